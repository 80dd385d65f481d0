import { benchFit, formatFitFigures } from "./fit.ts";
import { benchPhoneOverhead, formatOverheadFigures } from "./phoneOverhead.ts";
import { formatZooMemory, measureZooMemory } from "./zooMemory.ts";
import { benchPredict, formatPredictFigures } from "./predict.ts";

console.log(formatFitFigures(await benchFit()));
console.log(formatPredictFigures(await benchPredict()));
console.log(formatOverheadFigures(await benchPhoneOverhead()));
console.log(formatZooMemory(await measureZooMemory()));
