"""Linear probes: the search grid of one seed as one tensor program, against one fit after the other with a DataLoader.

50,000 stimuli × 1,024 float32 features, 100 classes, batches of 1,024. The protocol's search makes at most 56 fits of 20 epochs on 80 %
of the rows. Both sides are timed on fewer epochs, and the peer on one fit, whose cost does not depend on its settings: the rest is
extrapolated as fits × epochs, and said so. The peer is a per-sample Dataset with a DataLoader without workers, `torch.nn.Linear` and
`torch.optim.AdamW`. Floor: the two products of each step (forward, backward) at this machine's own rate for them, measured in the same
run. CPU seconds are compared. Target: at least 4 × faster.

`--whole` extrapolates nothing: the real search of one seed against as many fits of the peer, for a size that one can wait for, such as
`--whole --stimuli 2500 --features 256 --classes 20`.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import torch

from isomorph.probes._adamw import AdamWProbes
from isomorph.probes._search import DECAYS, search

COARSE, ROUNDS, FITS, EPOCHS = 32, 3, 56, 20  # 4 rates × 8 decays, then three rounds of 4 × 2


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


class PerSample(torch.utils.data.Dataset):
    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[row], self.y[row]


def peer(x: torch.Tensor, y: torch.Tensor, classes: int, batch: int) -> None:
    """One epoch of one fit."""
    layer = torch.nn.Linear(x.shape[1], classes)
    optimiser = torch.optim.AdamW(layer.parameters(), lr=1e-2, weight_decay=1e-3)
    for part, labels in torch.utils.data.DataLoader(PerSample(x, y), batch_size=batch, shuffle=True):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(layer(part), labels).backward()
        optimiser.step()


def product_rate(batch: int, width: int, columns: int) -> float:
    """FLOPs a CPU second of the forward product [batch, width] × [width, columns] and the backward one."""
    x, w = torch.randn(batch, width), torch.randn(columns, width)
    out = torch.randn(batch, columns)
    torch.mm(out.T, x)
    spent = [seconds(lambda: (torch.mm(x, w.T), torch.mm(out.T, x)))[0] for _ in range(5)]
    return 4 * batch * width * columns / min(spent)


def whole(x: np.ndarray, y: np.ndarray, classes: int, batch: int) -> None:
    """Nothing extrapolated: the search of one seed, and one fit after the other for as many as it made."""
    probes = AdamWProbes(x, y, classes, epochs=EPOCHS, batch_size=batch, memory_bytes=2 * 10**9)
    cut = len(x) * 4 // 5
    rows, held, trials = np.arange(cut)[None], np.arange(cut, len(x))[None], []
    run = lambda settings: probes.outcomes(rows, held, [0], settings)  # noqa: E731
    ours = seconds(lambda: trials.extend(search(run, seeds=[0], rates=(1e-1, 1e-2, 1e-3, 1e-4), ties="original")[1][0]))
    tensors = torch.from_numpy(x[:cut]), torch.from_numpy(y[:cut])
    peers = seconds(lambda: [peer(*tensors, classes, batch) for _ in range(len(trials) * EPOCHS)])
    print(f"{len(trials)} fits of {EPOCHS} epochs, {cut} rows × {x.shape[1]}, {classes} classes, all of them run")
    for name, (cpu, wall) in (("isomorph, with validation", ours), ("DataLoader, without", peers)):
        print(f"  {name:28} {cpu:8.1f} CPU s {wall:8.1f} wall s")
    print(f"  DataLoader / isomorph: {peers[0] / ours[0]:.1f} CPU, {peers[1] / ours[1]:.1f} wall")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stimuli", type=int, default=50_000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=1, help="epochs that are run; the rest is extrapolated")
    parser.add_argument("--whole", action="store_true", help="run everything on both sides")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.integers(options.classes, size=options.stimuli)
    x = rng.normal(size=(options.stimuli, options.features)).astype(np.float32)
    if options.whole:
        whole(x, y, options.classes, options.batch)
        return
    rows = np.arange(options.stimuli)[None, : options.stimuli * 4 // 5]
    probes = AdamWProbes(x, y, options.classes, epochs=options.epochs, batch_size=options.batch, memory_bytes=2 * 10**9)
    settings = [(rate, decay) for rate in (1e-1, 1e-2, 1e-3, 1e-4) for decay in DECAYS[::9]]
    probes.train(rows[:, :2048], [0], [settings[:8]])
    coarse = seconds(lambda: probes.train(rows, [0], [settings[:COARSE]]))
    fine = seconds(lambda: probes.train(rows, [0], [settings[:8]]))
    ours = [(one + ROUNDS * other) * EPOCHS / options.epochs for one, other in zip(coarse, fine, strict=True)]
    tensors = torch.from_numpy(x[rows[0]]), torch.from_numpy(y[rows[0]])
    single = seconds(lambda: peer(*tensors, options.classes, options.batch))
    peers = [each * FITS * EPOCHS for each in single]
    flops = 4 * rows.size * options.features * options.classes * FITS * EPOCHS
    rate = product_rate(options.batch, options.features, options.classes * COARSE)
    size = f"{rows.size} rows × {options.features}, {options.classes} classes, {torch.get_num_threads()} threads"
    print(f"probe grid: {FITS} fits of {EPOCHS} epochs, {size}")
    for fits, (cpu, wall) in ((COARSE, coarse), (8, fine)):
        print(f"  ran {options.epochs} epochs of {fits} fits at once: {cpu:.2f} CPU s {wall:.2f} wall s")
    print(f"  ran 1 epoch of 1 fit with a DataLoader: {single[0]:.2f} CPU s {single[1]:.2f} wall s")
    print(f"  extrapolated, isomorph:   {ours[0]:8.0f} CPU s {ours[1]:8.0f} wall s")
    print(f"  extrapolated, DataLoader: {peers[0]:8.0f} CPU s {peers[1]:8.0f} wall s")
    print(f"  DataLoader / isomorph: {peers[0] / ours[0]:.1f} CPU, {peers[1] / ours[1]:.1f} wall (target ≥ 4)")
    floor = flops / rate
    print(f"  floor: {flops / 1e12:.1f} TFLOP at {rate / 1e9:.0f} GFLOP/s = {floor:.0f} CPU s; isomorph / floor {ours[0] / floor:.2f}")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
