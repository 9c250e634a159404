"""model-vs-human from its CSV files on one core: all metrics of two models and people on 17 data sets.

`isomorph`: read 124 files (121,280 trials) and compute every metric, without and with 1,000 bootstrap replicates (target ≤ 3 s in all).
`pandas`: a plain peer that reads the same files with pandas and computes error consistency alone by group-by and merge.
Needs the folder of model-vs-human: $ISOMORPH_DATA_MIRROR/model-vs-human, or --folder.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas

from isomorph.perception import behaviour_table, read_trials


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def with_pandas(folder: Path) -> float:
    """Mean κ of bagnet33 and people, no condition dropped: a fraction of the work, as a notebook would do it."""
    values = []
    for dataset in sorted(path for path in folder.iterdir() if list(path.glob("*_session*.csv"))):
        tables = {}
        for path in dataset.glob("*_session*.csv"):
            table = pandas.read_csv(path, keep_default_na=False).rename(columns=str.lower)
            table["key"] = table["imagename"].str.split("_").str[-1]
            table["right"] = table["object_response"] == table["category"]
            table["condition"] = table["condition"].astype(str).replace({"NaN": "0"})
            tables[path.stem.split("_")[1]] = table
        model, kappas = tables["bagnet33"], []
        for name, person in tables.items():
            if name.startswith("subject"):
                both = model.merge(person, on=["condition", "key"])
                for _, part in both.groupby("condition"):
                    a, b = part["right_x"], part["right_y"]
                    o, e = (a == b).mean(), a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
                    kappas.append((o - e) / (1 - e) if e < 1 else 1.0)
        values.append(np.mean(kappas))
    return float(np.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("ISOMORPH_DATA_MIRROR", ".")) / "model-vs-human")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    trials = read_trials(options.folder)
    cases: dict[str, Callable[[], object]] = {
        "read": lambda: read_trials(options.folder),
        "all metrics": lambda: behaviour_table(trials, replicates=0),
        "all metrics, 1,000 replicates over images": lambda: behaviour_table(trials),
        "all metrics, 1,000 replicates over both": lambda: behaviour_table(trials, resample="both"),
        "read + all metrics": lambda: behaviour_table(read_trials(options.folder), replicates=0),
        "read + all metrics, 1,000 replicates": lambda: behaviour_table(read_trials(options.folder)),
        "pandas: read + one κ": lambda: with_pandas(options.folder),
    }
    for name, action in cases.items():
        runs = [seconds(action) for _ in range(options.runs)]
        print(f"{name:<45} CPU {min(cpu for cpu, _ in runs):.2f} s   wall {min(wall for _, wall in runs):.2f} s")


if __name__ == "__main__":
    main()
