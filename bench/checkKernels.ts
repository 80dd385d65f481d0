import { parseArgs } from "node:util";
import { findZooNetwork } from "../src-main/model/zoo/zoo.ts";
import { compareKernels } from "./kernelAgreement.ts";
import type { KernelAgreement } from "./kernelAgreement.ts";
import { readPublishedKernels } from "./publishedKernels.ts";
import type { PublishedKernelRow } from "./publishedKernels.ts";

const usage = `npm run check-kernels -- DIR [--only PATTERN] [--gpu PHONE=NAME]… [--json]
  DIR             folder of the published data set (holds dataset/cnn, or the table itself)
  --only PATTERN  networks whose name matches the regular expression
  --gpu           the GPU of a phone this program does not know, as its driver names it
  --json          print the comparison as JSON`;

/** GPUs of the phones that the published data set names. */
const gpuOfPhone: Record<string, string> = {
  pixel4: "Adreno (TM) 640",
  s10: "Mali-G76 MP12",
  a03s: "PowerVR Rogue GE8320",
  iphone7: "Apple A10 GPU",
};

/** Share of rows, in percent, that must agree in class and count on each phone. */
const limit = 99;

interface PhoneCheck {
  phone: string;
  gpu: string;
  total: KernelAgreement;
}

function addUp(agreements: readonly KernelAgreement[]): KernelAgreement {
  const sum = (read: (agreement: KernelAgreement) => number) =>
    agreements.reduce((total, agreement) => total + read(agreement), 0);
  return {
    rows: sum(({ rows }) => rows),
    agreeing: sum(({ agreeing }) => agreeing),
    sameLinked: sum(({ sameLinked }) => sameLinked),
    sameName: sum(({ sameName }) => sameName),
    kernelsRan: sum(({ kernelsRan }) => kernelsRan),
    kernelsDeduced: sum(({ kernelsDeduced }) => kernelsDeduced),
    exceptions: agreements.flatMap(({ exceptions }) => exceptions),
  };
}

function formatReport(checks: readonly PhoneCheck[]): string {
  const percent = (part: number, all: number) => `${((100 * part) / all).toFixed(2)} %`.padStart(10);
  return checks
    .flatMap(({ phone, gpu, total }) => [
      ...total.exceptions.flatMap(({ model, line, ran, deduced, differs, why }) => [
        `${phone} ${model} line ${line}: ${differs} differs: ran ${ran}, deduced ${deduced ?? "nothing"}`,
        ...why.map((reason) => `    ${reason}`),
      ]),
      "",
      `${phone} (${gpu}): ${total.rows} rows, ${total.kernelsRan} kernels ran, ${total.kernelsDeduced} deduced`,
      `  class and count agree ${percent(total.agreeing, total.rows)}`,
      `  and what is linked    ${percent(total.sameLinked, total.rows)}`,
      `  name to the letter    ${percent(total.sameName, total.rows)}`,
    ])
    .join("\n");
}

function run(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: "" },
      gpu: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
    },
  });
  if (positionals.length !== 1) throw new Error(`one folder is needed, not ${positionals.length}\n${usage}`);
  const gpus = new Map(Object.entries(gpuOfPhone));
  for (const pair of values.gpu) {
    const [phone, name] = pair.split("=");
    if (!phone || !name) throw new Error(`--gpu wants PHONE=NAME, not ${pair}\n${usage}`);
    gpus.set(phone, name);
  }
  const { phones, rows } = readPublishedKernels(positionals[0]!);
  const only = new RegExp(values.only);
  const networks = new Map<string, PublishedKernelRow[]>();
  for (const row of rows)
    if (only.test(row.model)) networks.set(row.model, [...(networks.get(row.model) ?? []), row]);
  if (networks.size === 0) throw new Error(`no network matches ${values.only}`);
  const graphs = new Map([...networks.keys()].map((name) => [name, findZooNetwork(name)?.build() ?? null]));
  const checks = phones.map((phone): PhoneCheck => {
    const gpu = gpus.get(phone);
    if (!gpu) throw new Error(`the GPU of ${phone} is not known; name it by --gpu ${phone}=NAME`);
    const agreements = [...networks].map(([name, list]) =>
      compareKernels(graphs.get(name)!, list, phone, gpu),
    );
    return { phone, gpu, total: addUp(agreements) };
  });
  console.log(values.json ? JSON.stringify(checks, null, 2) : formatReport(checks));
  if (checks.some(({ total }) => (100 * total.agreeing) / total.rows < limit)) process.exitCode = 1;
}

try {
  run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
