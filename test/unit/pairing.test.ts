import { describe, expect, test } from "vitest";
import {
  type Requests,
  connectPhone,
  disconnectPhone,
  pairPhone,
  readConnectAnswer,
  readDisconnectAnswer,
  readPairAnswer,
} from "../../src-main/device/pairing.ts";
import { LabError } from "../../src-main/lab/errors.ts";
import { adbMissing } from "../../src-main/lab/phoneErrors.ts";

/** A server that notes what it is asked and gives one answer to everything. */
function answerWith(answer: string | Error): { server: Requests; asked: string[] } {
  const asked: string[] = [];
  const request = async (service: string): Promise<string> => {
    asked.push(service);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { server: { request }, asked };
}

async function catchError(work: Promise<unknown>): Promise<LabError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LabError);
  return error as LabError;
}

describe("adb's answers", () => {
  test("pairing", () => {
    expect(readPairAnswer("Successfully paired to 192.168.1.7:37123 [guid=adb-X-Y]\n")).toBeNull();
    expect(readPairAnswer("Failed: Wrong password or connection was dropped.")).toBe(
      "Wrong password or connection was dropped.",
    );
    expect(readPairAnswer("Failed: Unable to start pairing client.")).toBe("Unable to start pairing client.");
    expect(readPairAnswer("")).toBe("adb gave no reason");
  });

  test("connecting", () => {
    expect(readConnectAnswer("connected to 10.0.0.2:5555")).toBeNull();
    expect(readConnectAnswer("already connected to 10.0.0.2:5555\n")).toBeNull();
    expect(readConnectAnswer("failed to connect to '10.0.0.2:5555': Connection refused")).toContain(
      "Connection refused",
    );
    expect(readConnectAnswer("unable to connect to 10.0.0.2:5555")).toContain("unable");
    expect(readConnectAnswer("failed to authenticate to 10.0.0.2:5555")).toContain("Allow USB debugging");
    expect(readConnectAnswer("not connected to x")).not.toBeNull();
    expect(readConnectAnswer(`no\n${"x".repeat(9999)}`)?.length).toBeLessThan(300);
  });

  test("disconnecting", () => {
    expect(readDisconnectAnswer("disconnected 10.0.0.2:5555")).toBe(true);
    expect(readDisconnectAnswer("")).toBe(true);
    expect(readDisconnectAnswer("error: no such device '10.0.0.2:5555'")).toBe(false);
    expect(readDisconnectAnswer("No such device 10.0.0.2:5555")).toBe(false);
  });
});

describe("requests", () => {
  test("address and code as adb takes them", async () => {
    const pair = answerWith("Successfully paired to 10.0.0.2:37123 [guid=g]");
    expect(await pairPhone(pair.server, " 10.0.0.2:37123 ", " 012 345")).toContain("Successfully paired");
    expect(pair.asked).toEqual(["host:pair:012345:10.0.0.2:37123"]);
    const connect = answerWith("connected to x");
    expect(await connectPhone(connect.server, "10.0.0.2")).toBe("10.0.0.2:5555");
    expect(await connectPhone(connect.server, "[fe80::2]:7")).toBe("[fe80::2]:7");
    expect(connect.asked).toEqual(["host:connect:10.0.0.2:5555", "host:connect:[fe80::2]:7"]);
    const gone = answerWith(new Error("no such device '10.0.0.2:5555'"));
    expect(await disconnectPhone(gone.server, "10.0.0.2")).toBe(false);
  });

  test("what is no address or code is never asked", async () => {
    const { server, asked } = answerWith("connected to x");
    for (const code of ["", "12345", "1234567", "12345a", "１２３４５６", "123456:9.9.9.9:1"])
      expect((await catchError(pairPhone(server, "10.0.0.2:37123", code))).code).toBe("bad-request");
    for (const address of ["", "a b", "host:port", "10.0.0.2:0", "a:1:2", "x\ny", "$(id)"]) {
      expect((await catchError(connectPhone(server, address))).code).toBe("bad-request");
      expect((await catchError(disconnectPhone(server, address))).code).toBe("bad-request");
    }
    expect((await catchError(pairPhone(server, "10.0.0.2", "123456"))).hint).toContain("pairing code");
    expect(asked).toEqual([]);
  });

  test("failures in words, refusals and a missing adb", async () => {
    const wrong = await catchError(
      pairPhone(answerWith("Failed: Wrong password.").server, "10.0.0.2:3", "123456"),
    );
    expect([wrong.code, wrong.message]).toEqual([
      "pairing-failed",
      expect.stringContaining("Wrong password."),
    ]);
    const old = await catchError(
      pairPhone(answerWith(new Error("unknown host service")).server, "10.0.0.2:3", "123456"),
    );
    expect(old.message).toContain("platform-tools 30");
    for (const call of [connectPhone, disconnectPhone]) {
      const failed = await catchError(
        call(answerWith(new Error("no answer within 30 s")).server, "10.0.0.2"),
      );
      expect([failed.code, failed.message]).toEqual([
        "pairing-failed",
        expect.stringContaining("no answer within"),
      ]);
      const missing = await catchError(
        call(answerWith(adbMissing("No adb program was found")).server, "10.0.0.2"),
      );
      expect(missing.code).toBe("adb-missing");
    }
  });
});
