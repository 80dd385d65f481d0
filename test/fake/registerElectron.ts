/** Preloaded with --import: whoever asks for `electron` gets the fake, and a line on stderr says so. */
import { registerHooks } from "node:module";

const fake = new URL("./electron.ts", import.meta.url).href;
console.error("This is a fake Electron, for tests.");
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "electron" ? { url: fake, shortCircuit: true } : next(specifier, context),
});
