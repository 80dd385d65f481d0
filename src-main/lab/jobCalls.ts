import type { LabContext } from "./context.ts";
import type { Lab } from "./contract.ts";

type JobCalls = Pick<Lab, "jobs" | "cancelJob" | "jobResult" | "startDemo">;

/** The calls about jobs, and the one job that is made of others. */
export function createJobCalls(context: LabContext): JobCalls {
  const { jobs } = context;
  return {
    jobs: async () => jobs.list(),
    cancelJob: async ({ job }) => jobs.cancel(job),
    jobResult: ({ job, kind }) => jobs.result(job, kind),
    startDemo: async (request) =>
      jobs.start({
        kind: "demo",
        title: request.quick ? "Quick demonstration" : "Demonstration",
        // Its steps are jobs of their own and take their turns; waiting for them in a lane would block them.
        lane: null,
        work: async ({ signal, onProgress }) => {
          // Loaded when asked for: most commands need neither the learners nor the report.
          const { runDemo } = await import("./demo.ts");
          return runDemo({
            lab: context.lab(),
            request,
            signal,
            onProgress,
          });
        },
      }),
  };
}
