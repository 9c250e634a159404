"""A plan of units on W workers, some of which are lost: how long it takes, what moves, and where it saturates.

The simulation is a queue: every free worker takes the next unit of a stage, a stage begins when the one before is finished, and what a lost
worker had in hand is done again but for its finished batches. A shared store, the source of the pictures and the scheduler have rates of
their own, below which no stage can end. `--check RUNS` holds it against the runs that `bench_scale.py --json RUNS` measured; without, the
projections of docs/scale.md are printed, and `--figure FILE` draws them.
"""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

GPUS = (8, 64, 512)
IMAGES_A_SECOND = 1000.0  # assumption: one data-centre GPU, a network of the size of ViT-B/16 or ResNet-50 in float32, hooks included
PICTURE_BYTES = 110_000.0  # assumption: ImageNet's mean
ROW_BYTES = 4 * 1024.0  # assumption: one layer of 1,024 features, as similarity studies read
LOAD_SECONDS = 20.0  # assumption: imports, weights from a warm cache, the dry run; once a unit
STORE_RATE, SOURCE_RATE = 2e9, 10e9  # assumption: bytes a second that a shared store writes, and that the source of the pictures delivers
SCHEDULER_SECONDS = 0.005  # measured: 3 to 7 ms a unit (docs/scale.md)
REPLACE_SECONDS = 120.0  # assumption: until a lost worker's place is filled
PIECE_SECONDS = 2.0  # what is done again of a unit that was lost: the batch in hand


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Units that may run side by side: the seconds of each, and the bytes that all of them read and write."""

    seconds: Sequence[float]
    read: float = 0.0
    written: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a simulation gave.

    Attributes:
        seconds: From the beginning to the end.
        busy: Worker-seconds of work, those of work that was done again included.
        lost: How often a worker was lost with a unit in hand.
        bound: What each stage waited for: `workers`, `scheduler`, `source` or `store`.
    """

    seconds: float
    busy: float
    lost: int
    bound: tuple[str, ...]


def simulate(
    stages: Sequence[Stage],
    workers: int,
    *,
    losses_an_hour: float = 0.0,
    overhead: float = SCHEDULER_SECONDS,
    begin: float = 0.0,
    source: float = SOURCE_RATE,
    store: float = STORE_RATE,
    seed: int = 0,
) -> Result:
    """Run the stages, one after the other.

    Args:
        stages: The work.
        workers: How many units run at once.
        losses_an_hour: The share of workers that is lost in an hour.
        overhead: Seconds of the scheduler for each unit, one after the other.
        begin: Seconds that each worker spends once a stage before its first unit.
        source: Bytes a second that all workers together can read.
        store: Bytes a second that all workers together can write.
        seed: Of the losses.
    """
    rng = np.random.default_rng(seed)
    seconds = busy = 0.0
    lost, bound = 0, []
    for stage in stages:
        ended, worked, gone = _queue(stage.seconds, workers, losses_an_hour / 3600, rng, begin)
        limits = {
            "workers": ended,
            "scheduler": overhead * len(stage.seconds),
            "source": stage.read / source,
            "store": stage.written / store,
        }
        slowest = max(limits, key=lambda each: limits[each])
        seconds, busy, lost = seconds + limits[slowest], busy + worked, lost + gone
        bound.append(slowest)
    return Result(seconds=seconds, busy=busy, lost=lost, bound=tuple(bound))


def _queue(units: Sequence[float], workers: int, rate: float, rng: np.random.Generator, begin: float = 0.0) -> tuple[float, float, int]:
    free = [begin] * workers
    ended = busy = 0.0
    lost = 0
    for unit in units:
        start, left = heapq.heappop(free), float(unit)
        while rate and (survives := float(rng.exponential(1 / rate))) < left:
            lost += 1
            busy += survives
            start += survives + REPLACE_SECONDS
            left = min(float(unit), left - survives + PIECE_SECONDS + LOAD_SECONDS)
        busy += left
        ended = max(ended, start + left)
        heapq.heappush(free, start + left)
    return ended, busy, lost


def study(models: int, sets: int, images: int, ranges: int) -> list[Stage]:
    """Features of every model on every set in ranges, then a gathering unit for each."""
    passes = models * sets
    unit = images / ranges / IMAGES_A_SECOND + LOAD_SECONDS
    rows = passes * images * ROW_BYTES
    gather = 2 + 2 * images * ROW_BYTES / STORE_RATE  # reads what was spilled and writes it once more
    return [
        Stage(seconds=[unit] * (passes * ranges), read=passes * images * PICTURE_BYTES, written=rows),
        Stage(seconds=[gather] * passes, written=rows),
    ]


STUDIES = {
    "64 models × 23 sets × 10,000 images": (study(64, 23, 10_000, 1), 64 * 23 * 10_000),
    "1,000 models × 10⁷ images": (study(1000, 1, 10_000_000, 100), 1000 * 10**7),
}


def table() -> str:
    """The projections in Markdown."""
    lines = [
        "| study | GPUs | time | waits for | efficiency | read | written | kept | losing 1 % an hour |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, (stages, images) in STUDIES.items():
        alone = sum(sum(stage.seconds) for stage in stages)
        for gpus in GPUS:
            calm = simulate(stages, gpus)
            rough = [simulate(stages, gpus, losses_an_hour=0.01, seed=seed) for seed in range(3)]
            extra = float(np.mean([each.seconds for each in rough])) / calm.seconds - 1
            gone = float(np.mean([each.lost for each in rough]))
            lines.append(
                f"| {name} | {gpus} | {_time(calm.seconds)} | {', '.join(dict.fromkeys(calm.bound))} | {alone / gpus / calm.seconds:.2f} | "
                f"{images * PICTURE_BYTES / 1e12:,.1f} TB | {2 * images * ROW_BYTES / 1e12:,.2f} TB | "
                f"{images * ROW_BYTES / 1e12:,.2f} TB | "
                f"{gone:.1f} units interrupted, +{100 * extra:.2f} % time |"
            )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    return (
        f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
    )


def check(runs: Sequence[dict[str, Any]], *, cores: int = 2) -> str:
    """Measured times beside simulated ones, of each kind and number of workers for the run with the fewest CPU seconds.

    What a process does once in a stage is what its first unit took longer than the median of the others when there was one worker; on two
    cores, eight workers do that eight times. So do the units themselves, in CPU seconds, on as many cores as there are.
    """
    best: dict[tuple[str, int], dict[str, Any]] = {}
    for run in sorted(runs, key=lambda run: -run["cpu"]):
        best[run["kind"], run["workers"]] = run
    lines = []
    for (kind, workers), run in sorted(best.items()):
        slots = min(workers, cores)  # more workers than cores take turns
        predicted = 0.0
        for stage in best[kind, 1]["stages"]:
            first, *others = stage["workers"][0]["units"]
            share = stage["cpu"] / (first + sum(others))  # the units' wall time, as if they had had a core for themselves
            once = max(0.0, first - float(np.median(others)))
            units = [each * share for each in (first - once, *others)]
            predicted += simulate([Stage(seconds=units)], slots, overhead=0, begin=once * share * workers / slots).seconds
        cpu = run["cpu"] / slots
        lines.append(
            f"| {kind} | {workers} | {predicted:.1f} s | {cpu:.1f} s ({100 * (predicted / cpu - 1):+.0f} %) | "
            f"{run['wall']:.1f} s ({100 * (predicted / run['wall'] - 1):+.0f} %) |"
        )
    head = ["| kind | workers | simulated | CPU seconds over cores | wall time |", "|---|---|---|---|---|"]
    return "\n".join([*head, *lines])


def draw(path: Path) -> None:
    """Time against the number of GPUs, and what it would be if nothing saturated."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    counts = [2**each for each in range(11)]
    figure, axis = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    for name, (stages, _) in STUDIES.items():
        hours = [simulate(stages, each).seconds / 3600 for each in counts]
        [line] = axis.loglog(counts, hours, marker="o", markersize=3, label=name)
        axis.loglog(counts, [hours[0] / each for each in counts], color=line.get_color(), linestyle=":", linewidth=1)
    axis.set(xlabel="GPUs", ylabel="hours")
    axis.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the projections, or the check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    print(check(json.loads(given.check.read_text())) if given.check else table())
    if given.figure:
        draw(given.figure)


if __name__ == "__main__":
    main()
