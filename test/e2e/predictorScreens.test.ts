/** What the screens of predictors and predictions tell, over a lab that says what the test tells it to. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Evaluation,
  EvaluationRow,
  Job,
  ModelDetail,
  PredictedPoint,
  Prediction,
  PredictorDetail,
} from "../../src-main/lab/contract.ts";
import { ServedLab } from "./labWindow.ts";
import { Shell } from "./pages.ts";
import { describeModel, Script } from "./scriptedLab.ts";

const scenario = "phone/gpu/float16/gpu-cl";
const scores = { models: 20, mape: 6.5, medianApe: 5, within5: 50, within10: 80, spearman: 0.98 };

const point = (model: string, family: string, measuredMs: number, predictedMs: number): PredictedPoint => ({
  model,
  family,
  flops: 1e9,
  measuredMs,
  predictedMs,
  lowMs: predictedMs / 1.2,
  highMs: predictedMs * 1.2,
});

const predictor: PredictorDetail = {
  id: 7,
  scenario,
  learner: "auto",
  rows: 900,
  models: 20,
  seed: 1,
  fitMs: 4000,
  createdAt: "2026-03-01T10:00:00Z",
  crossValidated: scores,
  baseline: { ...scores, mape: 40 },
  problem: null,
  classes: [
    {
      kernel: "gpu-conv",
      rows: 500,
      learner: "lasso + boosting",
      medianApe: 4,
      timeShare: 70,
      fallback: null,
      importance: [
        { feature: "flops", unit: "FLOPs", share: 62, words: "the work of the convolution" },
        { feature: "outputChannels", unit: "", share: 8.4, words: "how many slices of output there are" },
      ],
    },
    {
      kernel: "gpu-depthwise",
      rows: 200,
      learner: "lasso",
      medianApe: 7,
      timeShare: 25,
      fallback: null,
      importance: [{ feature: "bytes", unit: "bytes", share: 90, words: "what is read and written" }],
    },
    {
      kernel: "gpu-copy",
      rows: 4,
      learner: "roofline",
      medianApe: null,
      timeShare: 5,
      fallback: "4 rows are too few",
    },
  ],
  points: [point("r18", "resnet", 10, 11), point("r34", "resnet", 20, 19), point("v16", "vgg", 50, 75)],
  trainedOn: ["r18", "r34", "v16"],
  leftOut: [],
  overheadMs: 0.4,
};

const prediction: Prediction = {
  model: "net",
  scenario,
  predictor: 7,
  latencyMs: 5.4,
  lowMs: 5,
  highMs: 6,
  overheadMs: 0.4,
  uncovered: [],
  ops: [
    {
      index: 1,
      op: "CONV_2D",
      kernel: "gpu-conv",
      ms: 4,
      lowMs: 3.5,
      highMs: 4.5,
      extrapolated: ["flops 3e9 is above 2e9"],
      ops: [1, 0, 2],
      why: ["zero padding (op 0) becomes its own", "add_2 is linked: only it reads the result"],
    },
    { index: 3, op: "MEAN", kernel: "gpu-mean", ms: 1, lowMs: 0.8, highMs: 1.2, extrapolated: [] },
  ],
  measuredMs: 6,
  measuredOps: [
    { op: 1, type: "CONV_2D", ms: 3 },
    { op: 2, type: "ADD", ms: 0.5 },
  ],
  learntFrom: false,
};

const op = (index: number, name: string): ModelDetail["ops"][number] => ({
  index,
  op: name,
  custom: false,
  subgraph: 0,
  inputs: [[1, 8, 8, 4]],
  outputs: [[1, 8, 8, 4]],
  inputTensors: [index],
  outputTensors: [index + 1],
  attributes: {},
  flops: 1000,
  params: 0,
  bytes: 2048,
});

const detail: ModelDetail = {
  name: "net",
  description: "",
  paper: null,
  inputs: [{ shape: [1, 8, 8, 4], dtype: "float32" }],
  outputs: [{ shape: [1, 8, 8, 4], dtype: "float32" }],
  inputTensors: [0],
  outputTensors: [4],
  ops: [op(0, "PAD"), op(1, "CONV_2D"), op(2, "ADD"), op(3, "MEAN")],
  flops: 4000,
  params: 0,
  bytes: 4096,
  subgraphs: 1,
  quantized: false,
  sparse: false,
  dynamic: false,
  uncosted: [],
};

const row = (learner: EvaluationRow["learner"], trainSize: number, mape: number): EvaluationRow => ({
  ...scores,
  inside: 91,
  halfWidth: 8.25,
  learner,
  protocol: "random",
  trainSize,
  splits: 3,
  mape,
});
const evaluation: Evaluation = {
  scenario,
  rows: [
    row("lasso", 8, 9),
    row("boosting", 8, 12),
    row("flops", 8, 44),
    row("lasso", 16, 7),
    row("boosting", 16, 6),
    row("flops", 16, 41),
  ],
  predictions: (["resnet", "vgg"] as const).map((family) => ({
    ...point(`${family}-x`, family, 10, 12),
    learner: "boosting",
    trainSize: 16,
    split: 0,
  })),
  classes: [],
  outlook: "20 more models would bring the error from 6.0 % to about 5.0 %.",
};

const job: Job = {
  id: 3,
  kind: "evaluate",
  title: `Evaluate ${scenario}`,
  startedAt: "2026-03-01T10:00:00Z",
  progress: { state: "done" },
  run: null,
};

/** Presses the arrow and waits for the row that it leads to. */
async function goDown(shell: Shell, row: number): Promise<void> {
  await shell.page.keyboard.press("ArrowDown");
  await expect
    .poll(() => shell.page.evaluate(() => document.activeElement?.getAttribute("data-row")))
    .toBe(String(row));
}

describe("predictor and predict screens", () => {
  const script = new Script();
  let served: ServedLab;
  beforeAll(async () => {
    script.models = Array.from({ length: 20 }, (_, place) => ({
      ...describeModel(place === 0 ? "net" : `net-${place}`, 1e9),
      measuredOn: [scenario],
    }));
    script.answers = {
      scenarios: () => [
        {
          id: scenario,
          device: "phone",
          cores: "gpu",
          precision: "float16",
          runtime: "gpu-cl",
          models: 20,
          opRows: 900,
          noisePercent: null,
          predictor: 7,
        },
      ],
      predictors: () => [predictor],
      predictor: () => predictor,
      predict: ({ models }: { models: string[] }) => models.map((model) => ({ ...prediction, model })),
      inspect: () => [detail],
      startEvaluate: () => {
        script.jobs = [job];
        return { job: job.id, kind: "evaluate" };
      },
      jobResult: () => evaluation,
    };
    served = await ServedLab.open((folder) => script.open(folder));
  });
  afterAll(async () => {
    await served.close();
  });

  it("tell the errors by family and by kernel class, as pictures and as tables", async () => {
    const shell = new Shell(await served.openPage("#/predictors/7"));
    const page = shell.page;
    await page.getByRole("img", { name: /^Error by family/ }).waitFor();
    await page.getByText("Furthest off is vgg (50.0 %, too long), nearest resnet (7.5 %).").waitFor();
    const families = page.locator(".panel", { has: page.getByRole("img", { name: /^Error by family/ }) });
    await families.getByRole("button", { name: "Show as table" }).click();
    const table = shell.table("Error by family");
    await table.rows.first().waitFor();
    expect(await table.readColumn(1)).toEqual(["vgg", "resnet"]);
    const classes = page.locator(".panel", {
      has: page.getByRole("img", { name: /^Error by kernel class/ }),
    });
    await classes.getByRole("button", { name: "Show as table" }).click();
    const classTable = shell.table("Error by kernel class");
    await classTable.rows.first().waitFor();
    // A class too small to be validated has no error to draw.
    expect(await classTable.readColumn(1)).toEqual(["gpu-conv", "gpu-depthwise"]);
  });

  it("tell in words what the time of a class goes by, of the class that is opened by key", async () => {
    const shell = new Shell(await served.openPage("#/predictors/7"));
    const importance = shell.panel("What the predicted time goes by");
    await importance.waitFor();
    const items = importance.getByRole("listitem");
    expect(await items.allInnerTexts()).toEqual([
      expect.stringMatching(/62 %[^]*the work of the convolution[^]*flops \(FLOPs\)/),
      expect.stringMatching(/8\.4 %[^]*how many slices of output there are[^]*outputChannels/),
    ]);
    const table = shell.table("kernel classes");
    await table.rows.first().focus();
    await goDown(shell, 1);
    await shell.page.keyboard.press("Enter");
    await importance.getByText("what is read and written").waitFor();
    expect(await importance.getByLabel("Kernel class").inputValue()).toBe("gpu-depthwise");
    await table.row("gpu-copy").click();
    await importance
      .getByText(/Roofline of gpu-copy cannot tell what it goes by; this is gpu-conv/)
      .waitFor();
  });

  it("compare learners on the spot, and have the result again after a reload", async () => {
    const shell = new Shell(await served.openPage("#/predictors/7"));
    const page = shell.page;
    await page.getByRole("button", { name: "Compare learners" }).click();
    const part = shell.panel("Learners compared");
    await part.getByText(evaluation.outlook!).waitFor();
    expect(script.asked.findLast(({ call }) => call === "startEvaluate")!.request).toEqual({
      scenario,
      protocol: "random",
      splits: 3,
      seed: 1,
      trainSizes: [6, 8, 16],
    });
    await page.waitForURL(/[?&]comparison=3/);
    await part.getByRole("img", { name: /^Learning curve/ }).waitFor();
    await part.getByText(/^Boosting errs least, 1.0 percentage points less than Lasso/).waitFor();
    await page.reload();
    await part.getByRole("img", { name: /^Learners at 16 networks/ }).waitFor();
    await part.getByRole("link", { name: "Other splits and sizes…" }).click();
    await page.waitForURL(/#\/predictors\/evaluate\?scenario=phone/);
  });

  it("show a kernel with all the ops it runs and its measured time", async () => {
    const shell = new Shell(await served.openPage("#/predict/net"));
    const kernels = shell.table("kernels");
    await kernels.rows.first().waitFor();
    await expect.poll(() => kernels.readColumn(3)).toEqual(["#1 CONV_2D, #0 PAD, #2 ADD", "#3 MEAN"]);
    expect(await kernels.readColumn(4)).toEqual(["4.00 ms", "1.00 ms"]);
    expect(await kernels.readColumn(5)).toEqual(["3.50 ms", "–"]);
    expect(await shell.page.getByText("inferred").count()).toBe(0);
  });

  it("tell why a kernel is what it is, by keyboard alone", async () => {
    const shell = new Shell(await served.openPage("#/predict/net"));
    const kernels = shell.table("kernels");
    const detailPanel = shell.panel("Kernel detail");
    await kernels.rows.first().focus();
    expect(await kernels.rows.first().getAttribute("aria-expanded")).toBe("false");
    await shell.page.keyboard.press("Enter");
    await detailPanel.waitFor();
    expect(await kernels.rows.first().getAttribute("aria-expanded")).toBe("true");
    const text = await detailPanel.innerText();
    for (const words of [...prediction.ops[0]!.why!, "flops 3e9 is above 2e9", "#0 PAD"])
      expect(text).toContain(words);
    await goDown(shell, 1);
    await shell.page.keyboard.press("Enter");
    await detailPanel.getByText("there was nothing to choose").waitFor();
    await shell.page.keyboard.press("Enter");
    await detailPanel.waitFor({ state: "detached" });
    await shell.page.keyboard.press("Enter");
    await detailPanel.getByRole("link", { name: "#3 MEAN" }).click();
    await shell.page.waitForURL(/#\/models\/net\?view=graph&op=3/);
  });

  it("mark inferred times with a word and say once what it means", async () => {
    const exact = { predict: script.answers.predict, predictor: script.answers.predictor };
    script.answers.predict = ({ models }: { models: string[] }) =>
      models.map((model) => ({
        ...prediction,
        model,
        measuredOps: [],
        ops: prediction.ops.map((entry) => ({ ...entry, inferred: true })),
      }));
    script.answers.predictor = () => ({ ...predictor, endToEndOnly: true });
    const shell = new Shell(await served.openPage("#/predict/net"));
    const kernels = shell.table("kernels");
    await kernels.rows.first().waitFor();
    expect(await kernels.readColumn(4)).toEqual(["4.00 ms inferred", "1.00 ms inferred"]);
    expect(await shell.page.getByText("no op was ever timed on this scenario").count()).toBe(1);
    await shell.page.goto(new URL("#/predictors/7", served.url).href);
    await shell.page.getByText("Fitted on end-to-end times alone").waitFor();
    Object.assign(script.answers, exact);
  });

  it("do not predict with a predictor that this version cannot use", async () => {
    const usual = script.answers.predictors;
    script.answers.predictors = () => [{ ...predictor, problem: "It was made by another version" }];
    const asked = script.asked.length;
    const shell = new Shell(await served.openPage(`#/predict?scenario=${encodeURIComponent(scenario)}`));
    await shell.page
      .getByText(/It was made by another version\. The measurements are still there\./)
      .waitFor();
    await shell.page.goto(new URL("#/models/net?view=graph&wide=1", served.url).href);
    await shell.page.getByRole("listbox", { name: /^Graph of net/ }).waitFor();
    expect(script.asked.slice(asked).filter(({ call }) => call === "predict")).toEqual([]);
    script.answers.predictors = usual;
  });

  it("leave the console clean", () => {
    expect(served.complaints).toEqual([]);
  });
});
