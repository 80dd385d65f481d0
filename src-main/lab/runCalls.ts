import { formatScenario, parseScenario, type Scenario } from "../device/scenario.ts";
import { exportMeasurementsCsv } from "../store/csv.ts";
import { listScenarios } from "../store/measurements.ts";
import { createRun, getMeasurement, getRun, listRuns, removeRun, setRunState } from "../store/runs.ts";
import { removeUnusedRecipes } from "../store/recipes.ts";
import { listTelemetry } from "../store/telemetry.ts";
import { countNoun, laneOf, takeBreath, type LabContext } from "./context.ts";
import type { Device, Lab, ModelSummary, RunRequest, Started } from "./contract.ts";
import { findDevice, recallDevice } from "./deviceCalls.ts";
import { badRequest, runBusy, runUnknown, scenarioUnknown } from "./errors.ts";
import { measureRun } from "./measureRun.ts";
import { checkModels, checkScenario, findBinary } from "./measurable.ts";
import { addJob, summarizeRun } from "./runSummary.ts";

type RunCalls = Pick<
  Lab,
  | "runs"
  | "run"
  | "startRun"
  | "resumeRun"
  | "removeRun"
  | "measurement"
  | "runTelemetry"
  | "scenarios"
  | "exportMeasurements"
>;

/** The calls about runs and what they measured. */
export function createRunCalls(context: LabContext): RunCalls {
  const { store, jobs } = context;

  function startMeasuring(
    run: number,
    device: Device,
    title: string,
    retry: boolean,
  ): Started<"profile"> & { run: number } {
    const started = jobs.start({
      kind: "profile",
      title,
      run,
      lane: laneOf(device),
      work: async (job) => {
        await measureRun(context, run, retry, job);
        return { ...summarizeRun(context, run), job: null, etaMs: null };
      },
      onEnd: () => context.publish({ type: "run", run: summarizeRun(context, run) }),
    });
    return { ...started, run };
  }

  return {
    runs: async () => listRuns(store).map((run) => addJob(context, run)),

    async run({ run }) {
      const detail = getRun(store, run);
      if (!detail) throw runUnknown(run);
      return addJob(context, detail);
    },

    async startRun(request) {
      const device = await findDevice(context, request.device);
      const scenarios = listRunScenarios(request, device);
      if (device.kind === "adb") findBinary(context, device);
      const models = await admitModels(context, request.models);
      await checkModels(context, models, device, request.precision);
      const run = createMeasuringRun(context, device, { ...request, scenarios }, models);
      const title = `Profile ${countNoun(models.length, "model")} on ${describePlace(device, scenarios)}`;
      return startMeasuring(run, device, title, false);
    },

    async resumeRun({ run, retry }) {
      const detail = getRun(store, run);
      if (!detail) throw runUnknown(run);
      if (jobs.findByRun(run) !== null) throw runBusy(run);
      // A phone need not be there: the job waits for it.
      const device = await recallDevice(context, detail.device);
      for (const scenario of detail.scenarios) checkScenario(scenario, device);
      if (device.kind === "adb") findBinary(context, device);
      return startMeasuring(
        run,
        device,
        `Resume run ${run} on ${describePlace(device, detail.scenarios)}`,
        retry ?? false,
      );
    },

    async removeRun({ run }) {
      if (jobs.findByRun(run) !== null) throw runBusy(run);
      const removed = removeRun(store, run);
      if (removed === 0) throw runUnknown(run);
      removeUnusedRecipes(store);
      context.publish({ type: "models" });
      return { removed };
    },

    async measurement({ cell }) {
      const measurement = getMeasurement(store, cell);
      if (!measurement) throw badRequest(`There is no cell ${cell}`, "Take the id of a cell from its run.");
      return measurement;
    },

    async runTelemetry({ run }) {
      if (!getRun(store, run)) throw runUnknown(run);
      return listTelemetry(store, run);
    },

    scenarios: async () => listScenarios(store),

    async exportMeasurements(request) {
      if (request.scenario !== undefined && !listScenarios(store).some(({ id }) => id === request.scenario))
        throw scenarioUnknown(request.scenario);
      return exportMeasurementsCsv(store, request);
    },
  };
}

/** A device by its name and what it is to run on: a serial says little. */
function describePlace(device: Device, scenarios: readonly string[]): string {
  const [{ precision, runtime }] = scenarios.map(parseScenario) as [Scenario, ...Scenario[]];
  return `${device.name}: ${scenarios.map((id) => parseScenario(id).cores).join(", ")}, ${precision}, ${runtime}`;
}

function listRunScenarios(request: RunRequest, device: Device): string[] {
  const ids = new Set<string>();
  for (const cores of request.coreSets) {
    const { precision, runtime } = request;
    ids.add(checkScenario(formatScenario({ device: device.id, cores, precision, runtime }), device));
  }
  return [...ids];
}

/** Library models the arguments stand for; what is not in the library is put there. */
export async function admitModels(context: LabContext, args: readonly string[]): Promise<ModelSummary[]> {
  const before = new Set<string>();
  const models: ModelSummary[] = [];
  let added = false;
  for (const resolved of context.library.resolveAll(args)) {
    added ||= resolved.kind !== "library";
    const model = context.library.admit(resolved);
    if (!before.has(model.name)) models.push(model);
    before.add(model.name);
    await takeBreath();
  }
  if (added) context.publish({ type: "models" });
  return models;
}

/** Creates a run that waits for its job; gives its id. */
export function createMeasuringRun(
  context: LabContext,
  device: Device,
  request: Pick<RunRequest, "repetitions" | "seed" | "thoroughness"> & { scenarios: string[] },
  models: readonly ModelSummary[],
): number {
  const { store, publish } = context;
  const run = createRun(store, {
    device: device.id,
    deviceName: device.name,
    scenarios: request.scenarios,
    models: models.map((model) => model.name),
    repetitions: request.repetitions ?? 1,
    seed: request.seed ?? 1,
    thoroughness: request.thoroughness ?? "standard",
  });
  setRunState(store, run, "paused");
  publish({ type: "run", run: summarizeRun(context, run) });
  return run;
}
