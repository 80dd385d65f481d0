import type { ModelSummary } from "../src-main/lab/contract.ts";
import { formatCount } from "../src-main/lab/format.ts";
import { lab } from "./connection.svelte.ts";
import { notices } from "./notices.svelte.ts";

/** Adds files to the library, each told about on its own when it fails; gives those that were added. */
export async function addFiles(files: readonly File[]): Promise<ModelSummary[]> {
  const added: ModelSummary[] = [];
  for (const file of files) {
    try {
      added.push(...(await addFile(file)));
    } catch (error) {
      notices.fail(error);
    }
  }
  if (added.length === 1) notices.tell(`${added[0]!.name} added`);
  else if (added.length > 1) notices.tell(`${formatCount(added.length)} models added`);
  return added;
}

async function addFile(file: File): Promise<ModelSummary[]> {
  // The desktop window knows where a file lies; a browser hands over its bytes.
  const path = window.latencyLab?.pathOf(file);
  if (path) return lab.addModels({ paths: [path] });
  return [await lab.addModelFile({ name: file.name, base64: await encodeFile(file) })];
}

function encodeFile(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const address = String(reader.result);
      resolve(address.slice(address.indexOf(",") + 1));
    });
    reader.addEventListener("error", () => reject(new Error(`${file.name} could not be read`)));
    reader.readAsDataURL(file);
  });
}

/** What a network's file is called. */
export function isModelFile(name: string): boolean {
  return /\.(tflite|onnx)$/i.test(name);
}

/** Lets the user choose .tflite and .onnx files; empty when they choose none. */
export function chooseFiles(): Promise<File[]> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.accept = ".tflite,.onnx";
    input.multiple = true;
    input.addEventListener("change", () => resolve([...(input.files ?? [])]));
    input.addEventListener("cancel", () => resolve([]));
    input.click();
  });
}

/** Lets the user choose one file of any kind; null when they choose none. */
export function chooseFile(): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("change", () => resolve(input.files?.[0] ?? null));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}
