import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { buildCanary } from "../../src-main/model/canary.ts";
import type { Graph } from "../../src-main/model/graph.ts";
import { writeTflite } from "../../src-main/model/tfliteWriter.ts";
import { openStore, type Store } from "../../src-main/store/database.ts";
import { addModel, findModel, listModels, modelFilePath, removeModels } from "../../src-main/store/models.ts";
import { addRecipes, placeModelFile, readRecipe, removeUnusedRecipes } from "../../src-main/store/recipes.ts";
import { addRun, makeFolder } from "./storeLab.ts";

let store: Store;
let remove: () => void;
beforeEach(() => {
  const made = makeFolder();
  store = openStore(made.folder);
  remove = made.remove;
});
afterEach(() => {
  store.close();
  remove();
});

const graph = buildCanary();
const describeNetwork = (name: string, its: Graph = graph) => {
  return { name, family: "sampled", graph: its, ops: 3, flops: 10, params: 5, bytes: 100 };
};
const countRecipes = () => store.database.prepare("SELECT count(*) FROM recipe").pluck().get();

it("a recipe comes back as the same graph, and its file is written when it is wanted", () => {
  addRecipes(store, [describeNetwork("a"), describeNetwork("b")]);
  const { hash, kind } = findModel(store, "a")!;
  expect(kind).toBe("sampled");
  expect(countRecipes()).toBe(1);
  expect(readRecipe(store, hash)).toEqual(graph);
  expect(readRecipe(store, "unknown")).toBeNull();
  expect(existsSync(modelFilePath(store, hash))).toBe(false);
  expect(placeModelFile(store, hash)).toBe(true);
  expect(placeModelFile(store, hash)).toBe(false);
  const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const written = readFileSync(modelFilePath(store, hash));
  expect(digest(written)).toBe(digest(writeTflite(graph)));
  expect(findModel(store, "b")!.bytes).toBe(written.length);
});

it("the same again changes nothing; another network of a known name takes all of the batch with it", () => {
  addRecipes(store, [describeNetwork("a")]);
  addRecipes(store, [describeNetwork("a")]);
  const other = { ...graph, description: "another" };
  expect(() => addRecipes(store, [describeNetwork("new"), describeNetwork("a", other)])).toThrow(
    expect.objectContaining({ code: "model-exists" }),
  );
  expect(listModels(store).map(({ name }) => name)).toEqual(["a"]);
  expect(countRecipes()).toBe(1);
});

it("goes with the last model that has it, and stays while a run refers to it", () => {
  addRecipes(store, [describeNetwork("a"), describeNetwork("b"), describeNetwork("c")]);
  addRun(store, ["c"]);
  const { hash } = findModel(store, "a")!;
  placeModelFile(store, hash);
  removeModels(store, ["a", "b", "c"]);
  removeUnusedRecipes(store);
  expect(readRecipe(store, hash)).toEqual(graph);
  expect(existsSync(modelFilePath(store, hash))).toBe(true);
  addRecipes(store, [describeNetwork("c")]);
  expect(listModels(store).map(({ name }) => name)).toEqual(["c"]);
  const lone = { ...graph, description: "lone" };
  addRecipes(store, [describeNetwork("lone", lone)]);
  expect(countRecipes()).toBe(2);
  removeModels(store, ["lone"]);
  removeUnusedRecipes(store);
  expect(countRecipes()).toBe(1);
});

it("that is damaged says so; a file somebody gave has none", () => {
  addRecipes(store, [describeNetwork("a")]);
  const { hash } = findModel(store, "a")!;
  store.database.prepare("UPDATE recipe SET graph = x'1f8b'").run();
  expect(() => readRecipe(store, hash)).toThrow(expect.objectContaining({ code: "lab-corrupt" }));
  expect(() => placeModelFile(store, hash)).toThrow(expect.objectContaining({ code: "lab-corrupt" }));
  const bytes = Buffer.from("x");
  const given = addModel(store, { name: "g", family: "f", kind: "file", bytes, ops: 1, flops: 1, params: 1 });
  expect(readRecipe(store, given.hash)).toBeNull();
  expect(placeModelFile(store, given.hash)).toBe(false);
});
