"""The pages build, and every code block on them runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_pages_build_and_their_code_runs(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command = [*build, "-D", f"nb_execution_cache_path={tmp_path}"]
    drawn = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # that of the tests would hide the pages' figures
    done = subprocess.run([*command, DOCS, tmp_path / "html"], capture_output=True, text=True, check=False, env=drawn)
    assert done.returncode == 0, done.stderr[-4000:]
    assert (tmp_path / "html" / "index.html").is_file()
