"""AligNet's fine-tuning against the bare computation, and its loading of pictures against what a student consumes.

`--case step`: one update of `FineTuning` (forward, loss, backward, norm of the gradient, pull, Adam, what it records) against forward,
backward and fused Adam of the same network, in the same layout of memory, on the same unique pictures (target ≤ 1.15). Runs alternate;
ratios are medians over pairs. `--model`: a name; `--triplets` a step.
`--case load`: pictures a second decoded and resized by the loader with two workers, from JPEG files of 500 × 375 pixels on the disk,
against pictures a second through forward and backward; and how long updates wait for pictures that are decoded meanwhile.
`--case gpu`: ViT-B/16 at 224 pixels, 512 triplets, bfloat16: images a second and the share of the device's peak (`--peak` TFLOP/s).

CPU seconds are this process's own, all threads.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from isomorph.alignet import FineTuning
from isomorph.alignet._batches import Batch, Pictures, batches
from isomorph.alignet._student import Student
from isomorph.alignet._training import Training
from isomorph.judgments import Triplets
from isomorph.models import Model, load_model
from isomorph.stimuli import Stimuli

VIT = "timm/vit_small_patch16_224.random-0"
LITE = "bundled/efficientnet_lite0.imagenet1k"


def network(name: str, device: str = "cpu") -> Model:
    small = {"height_pixels": 96, "width_pixels": 96, "resize_pixels": 96} if name == LITE else None
    return load_model(name, device=device, recipe=small)


def photographs(folder: Path, count: int) -> Stimuli:
    """JPEG files of about 100 kB, smooth with noise, as photographs are."""
    rng = np.random.default_rng(0)
    for row in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, size=(12, 16, 3), dtype=np.uint8)).resize((500, 375), Image.Resampling.BICUBIC)
        noisy = np.asarray(coarse, dtype=np.float32) + rng.normal(scale=16, size=(375, 500, 3))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{row:04}.jpg", quality=90)
    return Stimuli.from_folder(folder)


def triplets(stimuli: Stimuli, count: int) -> Triplets:
    rng = np.random.default_rng(1)
    items = np.argpartition(rng.random((count, len(stimuli))), 3, axis=1)[:, :3]
    return Triplets(items=items, objects=stimuli.ids, similarities=-np.sort(-rng.normal(size=(count, 3)), axis=1))


def timed(action: Callable[[], Any], device: str = "cpu") -> tuple[float, float]:
    """CPU and wall seconds."""
    if device != "cpu":
        torch.cuda.synchronize()
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.process_time() - cpu, time.perf_counter() - wall


class Bare:
    """The network itself, learning from the squares of its class scores (a head of nearly the size of ours)."""

    def __init__(self, student: Student, *, bfloat16: bool = False) -> None:
        self.network = copy.deepcopy(student).train().network
        self.device = next(student.parameters()).device
        self.adam = torch.optim.Adam(self.network.parameters(), lr=1e-6, fused=True)
        self.bfloat16 = bfloat16

    def __call__(self, pictures: torch.Tensor) -> None:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            found = self.network(pictures.to(self.device))
        found.float().square().mean().backward()
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)


def training(model: Model, stimuli: Stimuli, count: int, folder: Path, **options: Any) -> tuple[Training, list[Batch]]:
    recipe = FineTuning.preset("alignet-released", batch_size=count, steps=10_000, warmup=10, **options)
    drawn = triplets(stimuli, 4 * count)
    ours = Training(recipe, model, stimuli, drawn, folder, {}, layer=None, pool=None, label="x")
    ours.student.train()
    pictures = Pictures(model, stimuli, cache_bytes=1 << 30, workers=2)
    which = (np.arange(at * count, (at + 1) * count) for at in range(4))
    held = list(batches(pictures, drawn, which, np.arange(len(stimuli))))
    pictures.close()
    return ours, held


def step(name: str, count: int, repeats: int, folder: Path) -> None:
    stimuli = photographs(folder, min(4 * count * 3, 400))
    ours, held = training(network(name), stimuli, count, folder / "run")
    bare = Bare(ours.student)
    kinds: dict[str, Callable[[int, Batch], Any]] = {
        "isomorph": ours._update,
        "bare": lambda at, batch: bare(batch.pictures),
    }
    times: dict[str, list[tuple[float, float]]] = {each: [] for each in kinds}
    for at in range(repeats + 1):
        batch = held[at % len(held)]
        for kind in list(kinds)[:: 1 if at % 2 else -1]:
            spent = timed(lambda kind=kind, at=at, batch=batch: kinds[kind](at, batch))
            if at:  # the first warms up
                times[kind].append(spent)
    shown = statistics.mean(len(batch.pictures) for batch in held)
    print(f"{name}, {count} triplets, about {shown:.0f} pictures, {repeats} pairs, {torch.get_num_threads()} thread(s)")
    for which, label in enumerate(("CPU s", "wall s")):
        one, two = ([each[which] for each in times[kind]] for kind in ("isomorph", "bare"))
        ratios = sorted(a / b for a, b in zip(one, two, strict=True))
        print(
            f"  {label}: isomorph {statistics.median(one):.3f}, bare {statistics.median(two):.3f}; ratio {statistics.median(ratios):.3f} "
            f"({ratios[0]:.3f} to {ratios[-1]:.3f})",
            flush=True,
        )


def load(name: str, count: int, repeats: int, folder: Path) -> None:
    model, stimuli = network(name), photographs(folder, 300)
    size = statistics.mean(each.stat().st_size for each in folder.glob("*.jpg"))
    pictures = Pictures(model, stimuli, cache_bytes=0, workers=2)
    loads = [timed(lambda: [each.result() for each in pictures.begin(np.arange(300))]) for _ in range(repeats + 1)][1:]
    pictures.close()
    cpu, wall = (statistics.median(each) for each in zip(*loads, strict=True))
    print(f"loading, 2 workers, files of {size / 1e3:.0f} kB: {300 / wall:,.0f} pictures/s wall, {300 / cpu:,.0f} a CPU second", flush=True)
    ours, held = training(model, stimuli, count, folder / "run")
    bare = Bare(ours.student)
    bare(held[0].pictures)
    steps = [timed(lambda batch=batch: bare(batch.pictures)) for batch in held[1:]]
    shown = statistics.mean(len(batch.pictures) for batch in held[1:])
    cpu, wall = (statistics.median(each) for each in zip(*steps, strict=True))
    print(
        f"forward, backward, Adam of {name}: {shown / wall:,.1f} pictures/s wall, {shown / cpu:,.1f} a CPU second, "
        f"{torch.get_num_threads()} thread(s)",
        flush=True,
    )
    drawn = triplets(stimuli, 8 * count)
    pictures = Pictures(model, stimuli, cache_bytes=0, workers=2)
    stream = batches(pictures, drawn, (np.arange(at * count, (at + 1) * count) for at in range(8)), np.arange(300))
    ours._update(0, next(stream))
    waited = worked = 0.0
    for at in range(1, 6):  # the last two batches are decoded by then
        begun = time.perf_counter()
        batch = next(stream)
        waited += time.perf_counter() - begun
        worked += timed(lambda at=at, batch=batch: ours._update(at, batch))[1]
    pictures.close()
    print(f"updates while two workers decode ahead: {worked:.2f} s, and {waited:.3f} s of waiting for pictures ({waited / worked:.2%})")


def gpu(count: int, repeats: int, peak: float, folder: Path) -> None:
    if not torch.cuda.is_available():
        print("skipped: this machine has no GPU that torch can use.")
        return
    from torch.utils.flop_counter import FlopCounterMode

    name = "timm/vit_base_patch16_224.random-0"
    model = network(name, "cuda")
    rng = np.random.default_rng(0)
    stimuli = Stimuli.from_arrays(rng.integers(0, 256, size=(6 * count, 224, 224, 3), dtype=np.uint8))
    ours, held = training(model, stimuli, count, folder / "run", precision="bfloat16")
    bare = Bare(ours.student, bfloat16=True)
    with FlopCounterMode(display=False) as counted:
        bare(held[0].pictures)
    flops = counted.get_total_flops() / len(held[0].pictures)
    for kind, action in (("isomorph", lambda at: ours._update(at, held[at % 4])), ("bare", lambda at: bare(held[at % 4].pictures))):
        for at in range(3):
            action(at)
        walls = [timed(lambda at=at, action=action: action(at), "cuda")[1] / len(held[at % 4].pictures) for at in range(repeats)]
        rate = 1 / statistics.median(walls)
        print(
            f"{kind}: {rate:,.0f} images/s, {flops * rate / 1e12:,.0f} TFLOP/s, {flops * rate / 1e12 / peak:.1%} of {peak:,.0f}", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=["step", "load", "gpu"], required=True)
    parser.add_argument("--model", default=VIT)
    parser.add_argument("--triplets", type=int, help="a step; 8, on a GPU 512")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peak", type=float, default=989.0, help="TFLOP/s of the GPU in bfloat16 without sparsity; H100 and H200: 989")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
        if chosen.case == "gpu":
            gpu(chosen.triplets or 512, chosen.repeats, chosen.peak, Path(scratch))
        else:
            {"step": step, "load": load}[chosen.case](chosen.model, chosen.triplets or 8, chosen.repeats, Path(scratch))
