"""What `extract` costs beyond the bare forward passes, and whether it keeps to its memory limit.

Prints, for a ViT-S/16 with random weights (96 random images) and EfficientNet-Lite0 (92), every layer:

* exact Gram matrices of all layers, where nothing need be kept and where rows spill, as a ratio to bare forward passes plus one float32
  matrix product `X Xᵀ` a layer, both measured in the same process;
* count-sketches held in memory, as a ratio to the bare forward passes;
* the growth of the resident set at its highest against the memory limit.

CPU seconds of one thread (user and system), the least of a few runs. Each case runs in a process of its own:

    python benchmarks/bench_extract.py
    python benchmarks/bench_extract.py vit gram 6GB
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CASES = [
    ("vit", "gram", "4GB", 1.5),
    ("vit", "gram", "500MB", 2.5),
    ("vit", "sketch", "2GB", 1.15),
    ("efficientnet", "gram", "4GB", 1.5),
    ("efficientnet", "gram", "500MB", 2.5),
    ("efficientnet", "sketch", "2GB", 1.15),
]
REPEATS = int(os.environ.get("REPEATS", "3"))


def main() -> None:
    if len(sys.argv) == 4:
        print(json.dumps(measure(*sys.argv[1:4])))
        return
    row = "{:<14}{:<8}{:>8}  {:<24}{:>8}{:>8}{:>9}{:>9}{:>8}{:>8}{:>10}"
    print(row.format("model", "reduce", "limit", "mode", "batch", "layers", "bare s", "gemm s", "ours s", "ratio", "peak MB"))
    for model, reduce, limit, target in CASES:
        out = subprocess.run([sys.executable, __file__, model, reduce, limit], check=True, capture_output=True, text=True).stdout
        r = json.loads(out.splitlines()[-1])
        numbers = [f"{r['bare']:.2f}", f"{r['gemm']:.2f}", f"{r['ours']:.2f}", f"{r['ratio']:.2f}", f"{r['peak_mb']:.0f}"]
        verdict = "" if r["ratio"] <= target else f"  above {target}"
        print(row.format(model, reduce, limit, r["mode"], r["batch"], r["layers"], *numbers) + f"  (target {target}){verdict}", flush=True)


def measure(name: str, reduce: str, limit: str) -> dict[str, Any]:
    import torch

    from isomorph.models import extract
    from isomorph.stimuli import Stimuli

    torch.set_num_threads(1)
    model, n, side = load(name)
    pixels = np.random.default_rng(0).integers(0, 255, (n, side, side, 3), dtype=np.uint8)
    stimuli = Stimuli.from_arrays(pixels)
    options: dict[str, Any] = {"reduce": reduce, "memory_limit": limit}
    plan = extract(model, stimuli, dry_run=True, **options)
    gc.collect()
    before = resident_mb()
    peak = 0.0
    ours = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
            start = cpu_seconds()
            done = extract(model, stimuli, store=Path(folder) if reduce == "gram" else None, **options)
            ours.append(cpu_seconds() - start)
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    bare = min(least(lambda size=size: forwards(model, stimuli, size)) for size in {plan.batch_size, 4, 16, 32})
    gemm = gemms(plan.sources, n) if reduce == "gram" else 0.0
    return {
        "mode": done.provenance["mode"],
        "batch": plan.batch_size,
        "layers": len(plan.sources),
        "bare": bare,
        "gemm": gemm,
        "ours": min(ours),
        "ratio": min(ours) / (bare + gemm),
        "peak_mb": peak,
        "planned_mb": plan.peak_bytes / 1e6,
    }


def load(name: str) -> tuple[Any, int, int]:
    import torch

    from isomorph.models import load_model, wrap_model

    if name == "efficientnet":
        return load_model("bundled/efficientnet_lite0.imagenet1k"), 92, 224
    from isomorph.models._torchvision_guard import import_beside_torchvision

    timm = import_beside_torchvision("timm")
    torch.manual_seed(0)
    network = timm.create_model("vit_small_patch16_224", pretrained=False)
    return wrap_model(network, name="vit", preprocess=lambda image: torch.from_numpy(image).permute(2, 0, 1).float() / 255 - 0.5), 96, 224


def forwards(model: Any, stimuli: Any, size: int) -> None:
    for start in range(0, len(stimuli), size):
        model.forward(model.prepare([stimuli[i] for i in range(start, min(start + size, len(stimuli)))]))


def gemms(widths: dict[str, int], n: int) -> float:
    import torch

    total = 0.0
    for width in sorted(set(widths.values())):
        x = torch.rand(n, width)
        total += least(lambda x=x: torch.mm(x, x.T)) * list(widths.values()).count(width)
    return total


def least(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        start = cpu_seconds()
        work()
        times.append(cpu_seconds() - start)
    return min(times)


def cpu_seconds() -> float:
    return time.process_time()


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
