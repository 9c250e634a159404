"""One extraction, and one comparison of all pairs, by 1, 2, … worker processes that share a store; one thread each.

Every worker takes every W-th unit of the plan, as `isomorph run --part i/W` does. Start-up (imports, the model, the features) is timed
apart from work. On a machine that others use, wall time says little: the efficiency of CPU seconds, those of 1 worker over those of all
W together, says what is done twice, what is waited for, and what memory bandwidth costs; the efficiency of wall time says it all where
the machine is quiet. Targets: at least 0.9 from 1 to 2 workers.

`--json` prints what `scale_simulation.py` reads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
IMAGES, BATCH, RANGES = 192, 8, 8
STIMULI, WIDTH, MODELS = 4608, 256, 12


def extraction_units() -> list[Any]:
    """Ranges of rows, then ranges of layers."""
    import numpy as np

    from isomorph.models import extraction_ranges, load_model
    from isomorph.stimuli import Stimuli

    pictures = np.random.default_rng(0).integers(0, 255, (IMAGES, 64, 64, 3), dtype=np.uint8)
    model, stimuli = load_model("bundled/mobilenet_v2.random-0"), Stimuli.from_arrays(pictures)
    assert stimuli.digest
    options: dict[str, Any] = {"reduce": "gram", "pool": "mean", "batch_size": BATCH}
    rows = extraction_ranges(model, stimuli, ranges=RANGES, **options)
    layers = extraction_ranges(model, stimuli, ranges=4, of="layers", **options)
    return [rows, layers]


def pair_units() -> list[Any]:
    """Ranges of stripes."""
    import numpy as np

    from isomorph.pairwise import pair_ranges

    rng = np.random.default_rng(0)
    items = {f"model {index}": rng.standard_normal((STIMULI, WIDTH), dtype=np.float32) for index in range(MODELS)}
    ranges, _ = pair_ranges(items, ["cka", "rsa"], ranges=8, form="stream")
    return [ranges]


KINDS = {"extraction": extraction_units, "all pairs": pair_units}


def worker(kind: str, index: int, workers: int, folder: str) -> None:
    """Make the units, then do a share of each stage when told to."""
    import torch

    from isomorph.engine import Part, outcomes
    from isomorph.store import Store

    torch.set_num_threads(1)
    stages = KINDS[kind]()
    print(json.dumps({"start-up": time.process_time()}), flush=True)
    for stage in stages:
        if not sys.stdin.readline():
            return
        cpu, wall = time.process_time(), time.perf_counter()
        done = list(outcomes(Part(index, workers).of(stage), store=Store(folder), on_error="continue"))
        assert all(each.state == "done" for each in done), [each.error for each in done]
        seconds = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "units": [each.seconds for each in done]}
        print(json.dumps(seconds), flush=True)


def measure(kind: str, workers: int) -> dict[str, Any]:
    """One run: CPU seconds of start-up and work, and the wall time of each stage from its beginning to its last worker's end."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--worker", kind, "--folder", folder, "--workers", str(workers)]
        team = [
            subprocess.Popen([*command, "--index", str(index)], stdin=-1, stdout=-1, text=True, env=os.environ | THREADS)
            for index in range(1, workers + 1)
        ]
        start_up = [json.loads(each.stdout.readline())["start-up"] for each in team]  # type: ignore[union-attr]
        stages = []
        for _ in range(2 if kind == "extraction" else 1):
            wall = time.perf_counter()
            for each in team:
                each.stdin.write("go\n")  # type: ignore[union-attr]
                each.stdin.flush()  # type: ignore[union-attr]
            told = [json.loads(each.stdout.readline()) for each in team]  # type: ignore[union-attr]
            stages.append({"wall": time.perf_counter() - wall, "cpu": sum(each["cpu"] for each in told), "workers": told})
        for each in team:
            each.communicate()
    return {
        "kind": kind, "workers": workers, "start_up_cpu": start_up, "cpu": sum(each["cpu"] for each in stages),
        "wall": sum(each["wall"] for each in stages), "stages": stages, "load": os.getloadavg()[0],
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker")
    parser.add_argument("--index", type=int)
    parser.add_argument("--folder")
    given = parser.parse_args()
    if given.worker:
        worker(given.worker, given.index, given.workers[0], given.folder)
        return
    runs = [measure(kind, workers) for _ in range(given.repeats) for kind in given.kinds for workers in given.workers]
    for kind in given.kinds:
        best = {w: [min(r[k] for r in runs if (r["kind"], r["workers"]) == (kind, w)) for k in ("cpu", "wall")] for w in given.workers}
        for workers, (cpu, wall) in best.items():
            one_cpu, one_wall = best[given.workers[0]]
            start = min(max(r["start_up_cpu"]) for r in runs if (r["kind"], r["workers"]) == (kind, workers))
            print(
                f"{kind}, {workers} workers: {cpu:.2f} CPU s (efficiency {one_cpu / cpu:.2f}), {wall:.2f} s of wall time "
                f"(efficiency {one_wall / wall / workers * given.workers[0]:.2f}); start-up {start:.1f} CPU s a worker"
            )
    loads = sorted(run["load"] for run in runs)
    print(f"load of the machine: {loads[0]:.1f} to {loads[-1]:.1f} with {os.cpu_count()} cores")
    if given.json:
        given.json.write_text(json.dumps(runs))


if __name__ == "__main__":
    main()
