import { describe, expect, test } from "vitest";
import { quote } from "../../src-main/device/quote.ts";
import { LabError } from "../../src-main/lab/errors.ts";

describe("quote", () => {
  test("known answers", () => {
    expect(quote("")).toBe("''");
    expect(quote("a b")).toBe("'a b'");
    expect(quote("it's")).toBe(String.raw`'it'\''s'`);
    expect(quote("\ud800x")).toBe("'\ufffdx'");
  });

  test("NUL is refused", () => {
    let error: unknown;
    try {
      quote("a\0b");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(LabError);
    expect((error as LabError).code).toBe("bad-request");
    expect((error as LabError).message).not.toContain("\0");
  });
});
