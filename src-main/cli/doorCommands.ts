import { Option, type Command } from "commander";
import type { DemoResult, DemoScenario } from "../lab/contract.ts";
import { formatCount, formatDuration, formatMs, formatPercent } from "../lab/format.ts";
import { openBrowser } from "./browser.ts";
import { readInteger, readOptions, seedOption } from "./options.ts";
import { printJson, printLine, printTable } from "./output.ts";
import { listScores, scoreColumns } from "./predictorCommands.ts";
import { Session } from "./session.ts";

/** Adds `serve` and `demo`. */
export function addDoorCommands(program: Command, signal: AbortSignal): void {
  program
    .command("serve")
    .description("show the lab in a browser, on this computer unless told otherwise")
    .addOption(
      new Option("--port <number>", "0 takes a free one").argParser(readInteger(0, 65535)).default(0),
    )
    .addOption(new Option("--host <address>", "address to listen on").default("127.0.0.1"))
    .addOption(new Option("--open", "open the browser"))
    .action((_options, command: Command) => {
      const options = readOptions<{ port: number; host: string; open?: boolean }>(command);
      return Session.use(options, signal, async (session) => {
        const { lab, json } = session;
        const [{ serve }, { prepareWindow }] = await Promise.all([
          import("../server.ts"),
          import("../windowFiles.ts"),
        ]);
        const { port, host } = options;
        const server = await serve({ lab, port, host, files: await prepareWindow() });
        if (json) printJson({ url: server.url });
        else printLine(`Latency Lab is at ${server.url} (Ctrl+C ends it)`);
        if (options.open) openBrowser(server.url);
        await session.waitForInterrupt();
        await server.close();
      });
    });

  program
    .command("demo")
    .description("the whole job on this computer: sample, profile, fit, predict, measure, report")
    .addOption(new Option("--quick", "fewer networks"))
    .addOption(seedOption())
    .addOption(new Option("--report <file>", "where the report goes").default("report.html"))
    .action((_options, command: Command) => {
      const options = readOptions<{ quick?: boolean; seed?: number; report: string }>(command);
      return Session.use(options, signal, async (session) => {
        const { quick, seed, report } = options;
        const result = await session.finish(await session.lab.startDemo({ quick, seed, report }));
        if (session.json) printJson(result);
        else printDemo(result);
      });
    });
}

function printDemo(result: DemoResult): void {
  printLine(`${result.device.name}: ${result.device.soc}, ${result.device.os}`);
  for (const scenario of result.scenarios) printScenario(scenario);
  if (result.breakdown) {
    const { breakdown } = result;
    const slowest = [...breakdown.ops].sort((a, b) => b.ms - a.ms).slice(0, 8);
    printLine(
      `\nWhere the time of ${breakdown.model} goes on ${breakdown.scenario} (measured ${formatMs(breakdown.measuredMs)}, predicted ${formatMs(breakdown.latencyMs)})`,
    );
    const measured = new Map(breakdown.measuredOps.map((time) => [time.op, time.ms]));
    printTable(
      [
        { head: "#", numeric: true },
        { head: "op" },
        { head: "kernel" },
        { head: "predicted", numeric: true },
        { head: "measured", numeric: true },
      ],
      slowest.map((op) => [
        String(op.index),
        op.op,
        op.kernel,
        formatMs(op.ms),
        formatMs(measured.get(op.index)),
      ]),
    );
  }
  for (const remark of result.remarks) printLine(remark);
  printLine(
    `\n${formatDuration(result.seconds * 1000)} in all. The report is in ${result.report}; \`npm start\` opens the lab.`,
  );
}

function printScenario(scenario: DemoScenario): void {
  printLine(
    `\n${scenario.scenario}: trained on ${formatCount(scenario.rows)} op rows of ${scenario.trainedOn} networks in ${formatDuration(scenario.fitMs)}; repeated measurements differ by ${formatPercent(scenario.noise)}`,
  );
  printTable(
    [{ head: "on unseen networks" }, ...scoreColumns],
    scenario.learners.map((row) => [
      row.learner === "flops"
        ? "FLOPs only"
        : row.learner === scenario.best
          ? `${row.learner} (chosen)`
          : row.learner,
      ...listScores(row),
    ]),
  );
  const describe = (points: DemoScenario["worst"]) =>
    points
      .map((point) => `${point.model} ${formatMs(point.predictedMs)} for ${formatMs(point.measuredMs)}`)
      .join(", ");
  printLine(`worst: ${describe(scenario.worst)}`);
  printLine(`best: ${describe(scenario.closest)}`);
}
