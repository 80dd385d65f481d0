import { formatScenario } from "../device/scenario.ts";
import { resolveHostTarget } from "../profile/hostBench.ts";
import { exportMeasurementsCsv } from "../store/csv.ts";
import { listScenarios } from "../store/measurements.ts";
import { createRun, getMeasurement, getRun, listRuns, removeRun, setRunState } from "../store/runs.ts";
import { removeUnusedRecipes } from "../store/recipes.ts";
import { countNoun, hostLane, takeBreath, type LabContext } from "./context.ts";
import type { Lab, ModelSummary, RunRequest, Started } from "./contract.ts";
import { findDevice } from "./deviceCalls.ts";
import { badRequest, runBusy, runUnknown, runtimeMissing, scenarioUnknown } from "./errors.ts";
import { measureRun } from "./measureRun.ts";
import { addJob, summarizeRun } from "./runSummary.ts";

type RunCalls = Pick<
  Lab,
  "runs" | "run" | "startRun" | "resumeRun" | "removeRun" | "measurement" | "scenarios" | "exportMeasurements"
>;

/** The calls about runs and what they measured. */
export function createRunCalls(context: LabContext): RunCalls {
  const { store, jobs } = context;

  function startMeasuring(run: number, title: string, retry: boolean): Started<"profile"> & { run: number } {
    const started = jobs.start({
      kind: "profile",
      title,
      run,
      lane: hostLane,
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
      const scenarios = listRunScenarios(request);
      const models = await admitModels(context, request.models);
      const run = createMeasuringRun(context, { ...request, scenarios }, models);
      const title = `Profile ${countNoun(models.length, "model")} on ${scenarios.join(", ")}`;
      return startMeasuring(run, title, false);
    },

    async resumeRun({ run, retry }) {
      const detail = getRun(store, run);
      if (!detail) throw runUnknown(run);
      if (jobs.findByRun(run) !== null) throw runBusy(run);
      for (const scenario of detail.scenarios) checkScenario(scenario, detail.device);
      return startMeasuring(run, `Resume run ${run} on ${detail.scenarios.join(", ")}`, retry ?? false);
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

    scenarios: async () => listScenarios(store),

    async exportMeasurements(request) {
      if (request.scenario !== undefined && !listScenarios(store).some(({ id }) => id === request.scenario))
        throw scenarioUnknown(request.scenario);
      return exportMeasurementsCsv(store, request);
    },
  };
}

/** Rejects a scenario that the device cannot be measured on. */
export function checkScenario(id: string, deviceId: string): void {
  const device = findDevice(deviceId);
  resolveHostTarget(id, device.coreSets);
  if (device.problem) throw runtimeMissing(device.problem);
}

function listRunScenarios(request: RunRequest): string[] {
  return [...new Set(request.coreSets)].map((cores) => {
    const { device, precision, runtime } = request;
    const id = formatScenario({ device, cores, precision, runtime });
    checkScenario(id, device);
    return id;
  });
}

/** Library models the arguments stand for; files are put into the library. */
export async function admitModels(context: LabContext, args: readonly string[]): Promise<ModelSummary[]> {
  const before = new Set<string>();
  const models: ModelSummary[] = [];
  let added = false;
  for (const resolved of context.library.resolveAll(args)) {
    added ||= resolved.kind === "path";
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
  request: Pick<RunRequest, "device" | "repetitions" | "seed" | "thoroughness"> & { scenarios: string[] },
  models: readonly ModelSummary[],
): number {
  const { store, publish } = context;
  const run = createRun(store, {
    device: request.device,
    deviceName: findDevice(request.device).name,
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
