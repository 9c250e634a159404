"""What the script for SLURM says; tests/cluster runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from isomorph import consistency
from isomorph.cli._sbatch import jobs_of, sbatch_script
from isomorph.errors import InputError
from isomorph.results import Study


def script(tmp_path: Path, *, jobs: int = 4, per_gpu: int = 1, **options) -> str:
    study = Study(**{"name": "50% of it's/all", "models": ("bundled/pixels",), "benchmarks": ("kriegeskorte-92",)} | options)
    return sbatch_script(study, tmp_path / "a 'study'.toml", jobs=jobs, at_once=2, store=tmp_path / "store", per_gpu=per_gpu)


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
    monkeypatch.setenv("ISOMORPH_SHARD_CACHE_SIZE", "9GB")
    text = script(tmp_path)
    assert "--job-name=50-of-it-s-all-scores --output=50-of-it-s-all-scores-%A_%a.out --open-mode=append --array=1-4%2 " in text
    assert f"export ISOMORPH_DATA_MIRROR='{tmp_path}/a mirror'\n" in text
    assert "export ISOMORPH_SHARD_CACHE_SIZE=9GB\n" in text
    assert "ISOMORPH_DATA=" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=True).stderr == ""


def test_memory_is_that_of_the_largest_model(tmp_path):
    from isomorph import models

    sizes = {name: models.model_card(name).parameters for name in ("bundled/squeezenet1_1.imagenet1k", "bundled/mobilenet_v2.imagenet1k")}
    largest = max(size for size in sizes.values() if size)
    asked = f" $(memory {-(-(2_000_000_000 + 8 * largest + 3 * 2**30) // 2**20)}) "
    assert asked in script(tmp_path, models=tuple(sizes), memory_limit="2GB")
    assert asked not in script(tmp_path, models=tuple(sizes), memory_limit="4GB")


def submitted(script: str, tmp_path: Path, *words: str) -> list[str]:
    """What a stand-in for `sbatch` is called with, stage by stage."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    (tmp_path / "bin" / "sbatch").write_text(f'#!/bin/bash\ncat > /dev/null\necho "$*" >> {tmp_path}/asked\necho 7\n')
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    (tmp_path / "asked").write_text("")
    done = subprocess.run(
        ["bash", "-s", "--", *words],
        input=script,
        env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "asked").read_text().splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="the script is one of bash")
def test_only_stages_that_run_a_model_ask_for_a_gpu(tmp_path):
    """Of a study of consistency: features of models, then similarities and answers from what is stored."""
    for name in ("photos", "drawings"):
        (tmp_path / name).mkdir()
        for shade in range(8):
            Image.new("RGB", (8, 8), (shade, 9 * shade, 0)).save(tmp_path / name / f"{shade}.png")
    sets = (str(tmp_path / "photos"), str(tmp_path / "drawings"))
    options = {
        "name": "all",
        "models": ("bundled/pixels", *(f"bundled/mobilenet_v2.random-{each}" for each in range(2))),
        "datasets": sets,
        "minimum_pairs": 3,
    }

    def of(**more) -> str:
        return sbatch_script(consistency.Study(**options, **more).parts, tmp_path / "all.toml", jobs=2, store=tmp_path / "store")

    asked = submitted(of(device="cuda:0"), tmp_path, "--time=9", "--gpu-options=--partition=gpu --gres=gpu:1", "--qos=low day")
    names = [re.search(r"--job-name=all-(\S+)", each)[1] for each in asked]
    assert names == ["features", "similarities", "consistency", "report"]
    assert [each.endswith("--time=9 --qos=low day --partition=gpu --gres=gpu:1") for each in asked] == [True, False, False, False]
    assert [each.endswith("--time=9 --qos=low day") for each in asked] == [False, True, True, True]
    assert ["--mem=" in each for each in asked] == [True, False, False, True]
    own = submitted(of(device="cuda:0"), tmp_path, "--gpu-options=--qos=day", "--gpu-options=--mem=9G")
    assert [each.count("--mem=") for each in own] == [1, 0, 0, 1]
    assert own[0].endswith("--qos=day --mem=9G")
    with pytest.raises(AssertionError, match="no stage of this study runs on a GPU, for that is not the device it asks for"):
        submitted(of(), tmp_path, "--gpu-options=--gres=gpu:1")


def test_several_processes_share_a_gpu(tmp_path):
    alone, shared = (script(tmp_path, device="cuda", per_gpu=each) for each in (1, 3))
    assert '--part "$SLURM_ARRAY_TASK_ID/4" --engine dask --workers 3 &' in shared
    assert "--engine" not in alone
    once, thrice = (int(re.search(r"\$\(memory (\d+) ", each)[1]) for each in (alone, shared))
    assert 3 * once - 3 <= thrice <= 3 * once
    assert "((${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}} + 2) / 3)" in shared
    with pytest.raises(InputError, match=r"^no stage of the study .* runs on a GPU that 3 processes could share"):
        script(tmp_path, per_gpu=3)
    with pytest.raises(InputError, match=r"^from 1 to 64 processes can share a GPU; got 65"):
        script(tmp_path, device="cuda", per_gpu=65)


def test_a_path_that_no_line_can_hold_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds a character that cannot be printed"):
        script(tmp_path / "two\nlines")
