"""Two thousand random faults in a row: no wrong result, no finished unit lost, each piece of damage found, and only it computed again.

More of it by hand: `ISOMORPH_FAULTS=10000 ISOMORPH_FAULTS_SEED=7 pytest tests/faults/test_random_faults.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("gcc") is None,
    reason="a C library injects the faults: needs Linux and gcc",
)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run(["gcc", "-O1", "-fPIC", "-shared", "-o", str(library), str(HERE / "shim.c"), "-ldl"], check=True)
    return library


def with_shim(shim: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LD_PRELOAD": str(shim), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False, timeout=1200)


@pytest.mark.slow
def test_two_thousand_random_faults(tmp_path: Path, shim: Path) -> None:
    faults, seed = int(os.environ.get("ISOMORPH_FAULTS", "2000")), os.environ.get("ISOMORPH_FAULTS_SEED", "0")
    ended = with_shim(shim, str(HERE / "storm.py"), "--folder", str(tmp_path), "--shim", str(shim), "--seed", seed, "--faults", str(faults))
    assert ended.returncode == 0, ended.stderr
    counts = json.loads(ended.stdout)
    assert counts["faults"] >= faults
    kinds = ("kill", "ENOSPC", "EIO", "EDQUOT", "ESTALE", "short", "clock", "EIO though done", "ENOLCK")
    assert all(counts[f"fault: {kind}"] for kind in kinds), counts
    assert all(counts[f"damage: {how}"] for how in ("flip", "truncate", "empty", "remove")), counts
    operations = ("write", "open", "create", "rename", "sync", "read", "unlink", "mkdir", "stat", "list", "lock")
    assert all(counts[f"at: {operation}"] for operation in operations), counts
    assert counts["damage found"] >= faults // 20
    assert counts["stores made whole"] >= faults // 200
    assert all(counts[f"units {state}"] for state in ("done", "skipped", "failed", "refused")), counts
