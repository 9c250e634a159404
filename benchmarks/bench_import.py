"""How long a user waits before anything happens: `import isomorph` and `isomorph --help`, as whole processes less the bare interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7


def seconds(command: list[str]) -> tuple[float, float]:
    """Median CPU and wall seconds of a whole process."""
    cpu, wall = [], []
    for _ in range(RUNS):
        before, start = os.times(), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        wall.append(time.perf_counter() - start)
        cpu.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return sorted(cpu)[RUNS // 2], sorted(wall)[RUNS // 2]


if __name__ == "__main__":
    floor = seconds([sys.executable, "-c", "pass"])
    rows = {
        "import isomorph (target < 0.4 s)": seconds([sys.executable, "-c", "import isomorph"]),
        "isomorph --help (target < 0.6 s)": seconds([str(Path(sys.executable).with_name("isomorph")), "--help"]),
    }
    print(f"{'bare interpreter':36} {floor[0]:6.3f} CPU s {floor[1]:6.3f} wall s")
    for name, (cpu, wall) in rows.items():
        print(f"{name:36} {cpu:6.3f} CPU s {wall:6.3f} wall s, {wall / floor[1]:.1f} × the bare interpreter")
