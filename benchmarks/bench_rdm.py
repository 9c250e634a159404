"""Correlation RDM of 5,000 stimuli × 1,024 float32 features, against one GEMM of that size and against rsatoolbox 0.3.2.

Floor: one matrix product n × p × n in the same precision on the same machine, measured in the same run. The triangle needs half of
its multiplications. CPU seconds are compared, since wall time depends on who else uses the machine. Targets: at most 1.5 × the GEMM,
at least 20 × faster than rsatoolbox.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from isomorph.geometry import RDM


def best(action: Callable[[], object], repeats: int) -> tuple[float, float]:
    """The least CPU and wall seconds of several runs, after one that is not counted."""
    action()
    times = []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        action()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(each[0] for each in times), min(each[1] for each in times)


def peer_seconds(x: np.ndarray) -> tuple[float, float]:
    """CPU and wall seconds of one run of rsatoolbox, which takes long."""
    import rsatoolbox

    data = rsatoolbox.data.Dataset(x)
    cpu, wall = time.process_time(), time.perf_counter()
    rsatoolbox.rdm.calc_rdm(data, method="correlation")
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stimuli", type=int, default=5000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without-peer", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(options.stimuli, options.features)).astype(np.float32)
    other = np.ascontiguousarray(rng.normal(size=(options.features, options.stimuli)).astype(np.float32))  # no x @ x.T: that is half a GEMM
    product = np.empty((options.stimuli, options.stimuli), dtype=np.float32)
    rows = {
        "one GEMM n × p × n, float32": best(lambda: np.matmul(x, other, out=product), options.repeats),
        "isomorph, float32": best(lambda: RDM.from_features(x), options.repeats),
        "isomorph, float64": best(lambda: RDM.from_features(x.astype(np.float64)), max(1, options.repeats // 2)),
    }
    if not options.without_peer:
        rows["rsatoolbox, correlation"] = peer_seconds(x.astype(np.float64))
    print(f"correlation RDM, n = {options.stimuli}, p = {options.features}")
    for name, (cpu, wall) in rows.items():
        print(f"  {name:30} {cpu:8.3f} CPU s {wall:8.3f} wall s")
    ours, floor = rows["isomorph, float32"], rows["one GEMM n × p × n, float32"]
    print(f"  isomorph / GEMM: {ours[0] / floor[0]:.2f} CPU, {ours[1] / floor[1]:.2f} wall (target ≤ 1.5)")
    if "rsatoolbox, correlation" in rows:
        peer = rows["rsatoolbox, correlation"]
        print(f"  rsatoolbox / isomorph: {peer[0] / ours[0]:.1f} CPU, {peer[1] / ours[1]:.1f} wall (target ≥ 20)")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
