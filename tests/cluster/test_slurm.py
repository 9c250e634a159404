"""A study under a real SLURM, as arrays and through Dask: jobs that are cancelled, queued again, or out of time lose nothing."""

import json
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Event, Timer

import dask
import numpy as np
import pytest

from isomorph.cli import main
from isomorph.engine import Journal
from isomorph.store import Store

MODELS = ("bundled/pixels", "bundled/squeezenet1_1.imagenet1k", "bundled/mobilenet_v2.random-0", "bundled/mobilenet_v2.random-1")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two stages of four units, two of each a job; the last two of the first stage take seconds."""
    return prepared(tmp_path)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Callable[[], dict[str, bytes]]:
    """What one process makes of the same study, made when it is first asked for."""

    @cache
    def run() -> dict[str, bytes]:
        study = prepared(tmp_path_factory.mktemp("alone"))
        assert main(["run", str(study), "--part", "1/1"]) == 0
        return objects(store_of(study))

    return run


def prepared(folder: Path) -> Path:
    from PIL import Image

    (folder / "my photos").mkdir()
    for index in range(60):
        pixels = np.random.default_rng(index).integers(0, 255, size=(32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "my photos" / f"{index}.png")
    return written(folder / "it's a study.toml", models=MODELS)


def written(path: Path, *, models: tuple[str, ...], memory_limit: str = "2GB") -> Path:
    path.write_text(
        f"""
        models = {json.dumps(models)}
        stimuli = "my photos"
        layers = [0.0, -1]
        replicates = 10
        permutations = 10
        memory_limit = "{memory_limit}"
        store = "store of {path.stem}"
        report = "report of {path.stem}"
        """
    )
    return path


def store_of(study: Path) -> Path:
    return study.parent / f"store of {study.stem}"


def objects(store: Path) -> dict[str, bytes]:
    root = store / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def finished(study: Path) -> list[str]:
    """The fingerprints of units that were done, one for each time."""
    lines = [line for path in store_of(study).glob("units/times/*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line)["fingerprint"] for line in lines]


def in_hand(study: Path, fingerprint: str) -> bool:
    return any(store_of(study).glob(f"units/??/{fingerprint}.*.attempt.json"))


def said(capsys, *words: object) -> str:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out


def submit(slurm, study: Path, capsys, *options: str, jobs: str = "2") -> dict[str, str]:
    """Print the script, run it, and return the id of each job."""
    script = study.parent / "submit.sh"
    script.write_text(said(capsys, "plan", study, "--sbatch", jobs))
    answer = slurm("bash", str(script), "--gres=gpu:fake:1", f"--chdir={study.parent}", *options)
    return {stage: job for stage, _, job in (line.partition(": job ") for line in answer.splitlines())}


def log(study: Path, job: str, stage: str = "targets") -> str:
    name = re.sub(r"[^\w.]+", "-", study.stem)
    path = study.parent / f"{name}-{stage}-{job}.out"
    return path.read_text() if path.exists() else ""


def detail(slurm, job: str, name: str) -> str:
    return re.search(rf"\b{name}=(\S+)", slurm("scontrol", "show", "job", "--oneliner", job))[1]


def test_nothing_is_lost_and_nothing_done_twice(slurm, study, alone, capsys):
    units = [json.loads(line)["fingerprint"] for line in said(capsys, "plan", study, "--json").splitlines()][: len(MODELS)]
    first = submit(slurm, study, capsys, "--mem=1G")
    assert detail(slurm, f"{first['targets']}_1", "TresPerNode") == "gres:gpu:fake:1"
    in_mid_run(slurm, study, {units[2]: ("scontrol", "requeue", f"{first['targets']}_1"), units[3]: ("scancel", f"{first['targets']}_2")})
    slurm.wait(lambda: slurm.state(f"{first['targets']}_2") == "CANCELLED", "cancelled job")
    assert "stopped by a signal after 1 units" in log(study, f"{first['targets']}_2")
    slurm.release(f"{first['targets']}_1")
    slurm.wait(lambda: slurm.state(f"{first['targets']}_1") == "COMPLETED", "end of the job that was queued again")
    slurm.wait(lambda: slurm.state(first["report"]) == "CANCELLED", "end of the stages that depend on a cancelled job")
    assert slurm.state(first["scores"]) == "CANCELLED"
    told = log(study, f"{first['targets']}_1")
    assert f"finished before: the last layer of {MODELS[0]} on my photos" in told
    assert re.search(r"part 1/2: job \S+ on \S+ at \S+, begun 0 times before\n(.*\n)*study .* begun 1 times before\n", told)
    assert sorted(finished(study)) == sorted(units[:3])

    with Journal(Store(store_of(study))).attempt(units[3]):  # so that the job waits until its time is over
        second = submit(slurm, study, capsys, "--mem=1G")
        slurm.wait(lambda: "finished before" in log(study, f"{second['targets']}_2"), "waiting job")
        slurm("scontrol", "update", f"job={second['targets']}_2", "TimeLimit=2")
        expected = alone()
        held_back_by_a_failure(slurm, study, capsys)
        slurm.wait(lambda: slurm.state(f"{second['targets']}_2") == "PENDING", "job that queues again before its time is over")
    slurm.release(f"{second['targets']}_2")
    slurm.wait(lambda: slurm.state(second["report"]) == "COMPLETED", "report")
    assert detail(slurm, f"{second['targets']}_2", "Restarts") == "1"
    assert detail(slurm, f"{second['targets']}_1", "Restarts") == "0"
    assert (study.parent / f"report of {study.stem}" / "index.html").is_file()
    assert len(finished(study)) == len(set(finished(study))) == 2 * len(MODELS)
    assert objects(store_of(study)) == expected


def test_workers_of_dask_are_jobs_that_are_replaced(slurm, study, alone, capsys, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
    units = [json.loads(line)["fingerprint"] for line in said(capsys, "plan", study, "--json").splitlines()][: len(MODELS)]
    options = ["gpus=1", "queue=main", "walltime=0:30:00", "memory=1GB", "interface=lo"]  # workers grow larger, and are not ended for it
    words = ["--engine", "slurm", "--workers", "2", *(word for each in options for word in ("--job", each))]
    over, stuck = Event(), Timer(800, os.kill, (os.getpid(), signal.SIGUSR1))
    stuck.start()
    with ThreadPoolExecutor(1) as beside:
        cancelled = beside.submit(replaced, slurm, study, units, over)
        try:
            assert main(["run", str(study), *words]) == 0, capsys.readouterr().err
        finally:
            over.set()
            stuck.cancel()
    jobs = slurm("scontrol", "show", "job", "--oneliner").splitlines()
    mine = {re.search(r"JobId=(\S+)", each)[1]: each for each in jobs if "JobName=isomorph " in each}
    assert len(mine) >= 3
    assert "JobState=CANCELLED" in mine[cancelled.result()]
    assert all("TresPerNode=gres:gpu:1" in each for each in mine.values())
    told = "".join(path.read_text() for path in (study.parent / "isomorph-workers").glob("*.err"))
    assert set(re.findall(r"(\w+)://127.0.0.1:", told)) == {"tls"}
    assert len(finished(study)) == len(set(finished(study))) == 2 * len(MODELS)
    assert objects(store_of(study)) == alone()
    assert (study.parent / f"report of {study.stem}" / "index.html").is_file()


def replaced(slurm, study: Path, units: list[str], over: Event) -> str:
    """Cancel the job of a worker in mid-run; let the study end only when a third job runs. Gives the cancelled job."""
    with Journal(Store(store_of(study))).attempt(units[3]):
        slurm.wait(lambda: over.is_set() or (in_hand(study, units[2]) and len(running(slurm)) == 2), "unit in mid-run")
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"})  # a minute is for busy machines
        (note,) = store_of(study).glob(f"units/??/{units[2]}.*.attempt.json")
        told = Path(f"/proc/{json.loads(note.read_text())['pid']}/environ").read_bytes()
        job = re.search(rb"\0SLURM_JOB_ID=(\d+)\0", told)[1].decode()
        before = running(slurm)
        slurm("scancel", job)
        slurm.wait(lambda: over.is_set() or running(slurm) - before, "job in the place of the cancelled one")
    return job


def running(slurm) -> set[str]:
    return set(slurm("squeue", "--noheader", "--name=isomorph", "--states=RUNNING", "--format=%A").split())


def in_mid_run(slurm, study: Path, then: dict[str, tuple[str, ...]]) -> None:
    """Call each command as soon as its unit is in hand."""

    def call_those() -> bool:
        for unit in [each for each in then if in_hand(study, each)]:
            slurm(*then.pop(unit))
        return not then

    slurm.wait(call_those, "units in mid-run")


def held_back_by_a_failure(slurm, study: Path, capsys) -> None:
    """A unit that fails ends its job in failure; the stages after it are not begun, and the status names it."""
    small = written(study.parent / "too-small.toml", models=(MODELS[0], MODELS[2]), memory_limit="17MB")
    jobs = submit(slurm, small, capsys, "--export=NONE", jobs="1%1")
    slurm.wait(lambda: slurm.state(jobs["report"]) == "CANCELLED", "end of what depends on a job that failed")
    assert [slurm.state(jobs[stage]) for stage in ("targets", "scores")] == ["FAILED", "CANCELLED"]
    assert detail(slurm, jobs["targets"], "ExitCode") == "1:0"
    assert "done in" in log(small, f"{jobs['targets']}_1")
    answer = json.loads(said(capsys, "status", small, "--json"))
    (failing,) = answer["failing"]
    assert failing["unit"] == f"the last layer of {MODELS[2]} on my photos"
    assert "memory_limit is 17 MB" in failing["error"]
    assert f"failed: {failing['unit']}: InputError: " in log(small, f"{jobs['targets']}_1")
    assert answer["stages"][0]["done"] == 1


@pytest.mark.parametrize(
    ("jobs", "options", "complaint"),
    [
        ("1001", (), "this cluster's arrays have at most 1000 jobs, and these have 1001: print the script with --sbatch 1000"),
        ("2", ("--array=1-4",), "each array has 2 jobs, one a part of the study; isomorph plan --sbatch N%K prints a script of N jobs"),
    ],
)
def test_arrays_that_cannot_be_are_refused(jobs, options, complaint, slurm, study, capsys):
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        submit(slurm, study, capsys, *options, jobs=jobs)
    assert not slurm("squeue", "--noheader")
