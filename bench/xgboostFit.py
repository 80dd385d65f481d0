"""Fits xgboost on a table that bench/xgboost.ts wrote; only for comparing with it, the product has no Python."""

import json
import sys
import time

import numpy as np
import xgboost

task = json.load(sys.stdin)


def load(part):
    columns = task["columns"]
    numbers = np.fromfile(f"{task['folder']}/{part}.bin")
    rows = len(numbers) // (columns + 1)
    return numbers[: rows * columns].reshape(rows, columns), numbers[rows * columns :]


x, y = load("train")
held_x, _ = load("held")
started = time.perf_counter()
parameters = {
    "tree_method": "hist",
    "max_bin": task["bins"],
    "max_depth": task["depth"],
    "eta": task["learningRate"],
    "lambda": task["l2"],
    "min_child_weight": task["minLeaf"],
    "nthread": task["threads"],
}
model = xgboost.train(parameters, xgboost.DMatrix(x, label=y, nthread=task["threads"]), task["trees"])
seconds = time.perf_counter() - started
predicted = model.predict(xgboost.DMatrix(held_x))
json.dump({"seconds": seconds, "predicted": [float(value) for value in predicted]}, sys.stdout)
