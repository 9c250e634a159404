"""Every corruption at every severity on one core, against 40 pictures a second; beside the published program where it is installed.

CPU seconds count, since wall time depends on who else uses the machine. The picture is 224 × 224. What is made once in a process (the
panes of frost, the matrices of wide Gaussians) is made before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from isomorph.stimuli import CORRUPTIONS, corrupt
from isomorph.stimuli._corrupt_frost import TEXTURES, frost_texture

TARGET = 40


def seconds(action: Callable[[int], object], runs: int) -> float:
    """The median CPU time of a run, each with a seed of its own."""
    action(0)
    taken = []
    for run in range(1, runs + 1):
        start = time.process_time()
        action(run)
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def published(pixels: np.ndarray, name: str, severity: int, runs: int) -> float | None:
    """The same by `imagecorruptions`; None where it is not installed or does not run."""
    try:
        from imagecorruptions import corrupt as reference

        return seconds(lambda _: reference(pixels, severity=severity, corruption_name=name), runs)
    except (ImportError, TypeError, ValueError):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", type=int, default=224)
    options = parser.parse_args()
    coarse = np.random.default_rng(0).integers(0, 256, (options.side // 8 + 1, options.side // 8 + 1, 3))
    pixels = np.kron(coarse, np.ones((8, 8, 1))).astype(np.uint8)[: options.side, : options.side]
    for which in range(TEXTURES):
        frost_texture(which, options.side, options.side)
    print(f"{'corruption':18} {'slowest':>8} {'at':>3} {'pictures/s':>10} {'mean of 10':>10} {'of ours, at 5':>14} {'published':>10}")
    short = []
    for name in CORRUPTIONS:
        times = [seconds(lambda seed, s=severity, n=name: corrupt(pixels, n, s, seed=seed), options.runs) for severity in range(1, 11)]
        slowest = int(np.argmax(times))
        theirs = None if name == "crop" else published(pixels, name, 5, min(options.runs, 3))
        rate = 1 / times[slowest]
        short += [name] if rate < TARGET else []
        other = "–" if theirs is None else f"{1000 * theirs:7.1f} ms"
        print(
            f"{name:18} {1000 * times[slowest]:5.1f} ms {slowest + 1:3} {rate:10.0f} {1000 * np.mean(times):7.1f} ms "
            f"{1000 * times[4]:11.1f} ms {other:>10}"
        )
    print(f"below {TARGET} pictures a second: {', '.join(short) or 'none'}")


if __name__ == "__main__":
    main()
