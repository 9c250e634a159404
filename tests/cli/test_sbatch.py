"""What the script for SLURM says; tests/cluster runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from isomorph.cli._sbatch import jobs_of, sbatch_script
from isomorph.errors import InputError
from isomorph.results import Study


def script(tmp_path: Path, *, jobs: int = 4, **options) -> str:
    study = Study(**{"name": "50% of it's/all", "models": ("bundled/pixels",), "benchmarks": ("kriegeskorte-92",)} | options)
    return sbatch_script(study, tmp_path / "a 'study'.toml", jobs=jobs, at_once=2, store=tmp_path / "store")


@pytest.mark.parametrize(("text", "meant"), [("64", (64, None)), ("64%8", (64, 8)), ("100000%1", (100_000, 1))])
def test_jobs_and_how_many_at_once(text, meant):
    assert jobs_of(text) == meant


@pytest.mark.parametrize("text", ["0", "100001", "8%0", "8%", "%8", "-1", "x", "8;rm"])
def test_other_numbers_are_refused(text):
    with pytest.raises(InputError, match="--sbatch takes a number of jobs from 1 to 100,000"):
        jobs_of(text)


@pytest.mark.skipif(sys.platform == "win32", reason="the script is one of bash")
def test_names_are_harmless_and_data_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOMORPH_DATA_MIRROR", str(tmp_path / "a mirror"))
    monkeypatch.delenv("ISOMORPH_DATA", raising=False)
    text = script(tmp_path)
    assert "--job-name=50-of-it-s-all-scores --output=50-of-it-s-all-scores-%A_%a.out --open-mode=append --array=1-4%2 " in text
    assert f"export ISOMORPH_DATA_MIRROR='{tmp_path}/a mirror'\n" in text
    assert "ISOMORPH_DATA=" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=True).stderr == ""


def test_memory_is_that_of_the_largest_model(tmp_path):
    from isomorph import models

    sizes = {name: models.model_card(name).parameters for name in ("bundled/squeezenet1_1.imagenet1k", "bundled/mobilenet_v2.imagenet1k")}
    largest = max(size for size in sizes.values() if size)
    asked = f"--mem={-(-(2_000_000_000 + 8 * largest + 3 * 2**30) // 2**20)}M"
    assert asked in script(tmp_path, models=tuple(sizes), memory_limit="2GB")
    assert asked not in script(tmp_path, models=tuple(sizes), memory_limit="4GB")


def test_a_path_that_no_line_can_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds a character that cannot be printed"):
        script(tmp_path / "two\nlines")
