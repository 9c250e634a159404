"""A study in parts: plans, parts, status, and scripts for SLURM."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from isomorph.cli import main

MODELS = 2


@pytest.fixture
def study(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for index in range(8):
        array = np.random.default_rng(index).integers(0, 255, size=(24, 24, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / "photos" / f"{index}.png")
    path = tmp_path / "it's a study.toml"
    path.write_text(
        """
        models = ["bundled/pixels", "bundled/mobilenet_v2.random-0"]
        stimuli = "photos"
        layers = [0.0, -1]
        replicates = 10
        permutations = 10
        store = "store"
        """
    )
    return path


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def objects(store: Path) -> dict[str, bytes]:
    root = store / "objects"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_what_is_missing_is_named(study, capsys):
    from isomorph.engine import ErrorRecord, Journal
    from isomorph.store import Store

    assert main(["plan", str(study), "--json"]) == 0
    first, second, *_ = lines(capsys)
    journal = Journal(Store(study.parent / "store"))
    journal.failed(first["fingerprint"], ErrorRecord(type="OSError", message="stale"))
    folder = study.parent / "store" / "units" / second["fingerprint"][:2]
    folder.mkdir(parents=True, exist_ok=True)
    for token in "abc":
        note = folder / f"{second['fingerprint']}.{token}.attempt.json"
        note.write_text(json.dumps({"host": "node7", "boot": "b", "pid": 71, "started": "2"}))
        os.utime(note, (0, 0))
    assert main(["status", str(study), "--json"]) == 0
    (answer,) = lines(capsys)
    assert [(each["unit"], each["state"]) for each in answer["failing"]] == [(first["unit"], "failed"), (second["unit"], "quarantined")]
    counts = {"stage": "targets", "units": 2, "done": 0, "running": 0, "failed": 1, "quarantined": 1, "waiting": 0}
    assert answer["stages"][0] == counts | {"left_out": 0, "workers": 0, "seconds": None, "units_per_second": None, "seconds_left": 0.0}
    assert main(["status", str(study)]) == 0
    assert "4 units are not done" in capsys.readouterr().err

    assert main(["run", str(study), "--part", "1/1"]) == 1
    said = capsys.readouterr().err
    assert f"quarantined: {second['unit']}: 3 processes were killed" in said
    assert "71 on node7" in said
    assert "waiting: the stage scores: " in said
    assert "part 1/1: 1 units done, 0 finished before, 2 missing" in said
    assert main(["run", str(study), "--part", "1/1", "--retry-quarantined", "--json"]) == 0
    rows = lines(capsys)
    assert [row["state"] for row in rows] == ["skipped", "done", "done", "done"]
    assert set(rows[0]) == {"stage", "unit", "fingerprint", "state", "seconds", "error"}
    assert main(["run", str(study), "--part", "1/1"]) == 0
    assert "0 units done, 4 finished before, 0 missing" in capsys.readouterr().err


@pytest.fixture
def slurm(tmp_path: Path) -> dict[str, str]:
    """`sbatch` notes its options and runs the tasks of a second stage at once; `scontrol` notes what it is told."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sbatch").write_text(
        f"""#!/bin/bash
printf '%s\\n' "$*" >> {tmp_path}/sbatch.log
cat > {tmp_path}/job.sh
if [[ "$*" =~ --array=1-2.*afterok ]]; then
  SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_JOB_ID=42 SLURM_JOB_ID=41 bash {tmp_path}/job.sh >> {tmp_path}/job.log 2>&1 & first=$!
  SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_JOB_ID=42 SLURM_JOB_ID=42 bash {tmp_path}/job.sh >> {tmp_path}/job.log 2>&1 || exit $?
  wait "$first" || exit $?
fi
echo "$(wc -l < {tmp_path}/sbatch.log);cluster"
"""
    )
    (tools / "scontrol").write_text(f'#!/bin/bash\n[ "$1" = show ] || echo "$*" >> {tmp_path}/scontrol.log\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}


@pytest.mark.skipif(sys.platform == "win32", reason="the script is one of bash")
def test_two_jobs_at_once_make_the_store_of_one_process(study, slurm, tmp_path, capsys):
    from isomorph.results import Study
    from isomorph.store import Store

    assert main(["plan", str(study), "--json"]) == 0
    plan = lines(capsys)
    assert [(row["stage"], row["done"], bool(row["fingerprint"])) for row in plan] == [
        *[("targets", False, True)] * MODELS,
        *[("scores", False, False)] * MODELS,
    ]
    assert main(["run", str(study), "--part", "1/2", "--stage", "scores"]) == 1
    assert "Run all parts of that stage first" in capsys.readouterr().err
    assert [main(["run", str(study), "--part", f"{number}/2", "--stage", "targets"]) for number in (1, 2)] == [0, 0]

    capsys.readouterr()
    assert main(["plan", str(study), "--sbatch", "2"]) == 0
    (tmp_path / "submit.sh").write_text(capsys.readouterr().out)
    submit = ["bash", tmp_path / "submit.sh", "--partition=gpu"]
    done = subprocess.run(submit, env=slurm, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr + (tmp_path / "job.log").read_text()
    assert done.stdout == "targets: job 1\nscores: job 2\nreport: job 3\n"
    first, second, third = (tmp_path / "sbatch.log").read_text().splitlines()
    assert "--job-name=it-s-a-study-targets" in first
    assert "--array=1-2 --requeue --signal=B:USR1@120 --mem=5007M --partition=gpu" in first
    assert "--dependency=afterok:1 " in second
    assert "--array" not in third
    assert "--dependency=afterok:2 " in third
    assert not (tmp_path / "scontrol.log").exists()

    assert main(["status", str(study), "--json"]) == 0
    (answer,) = lines(capsys)
    assert [(each["stage"], each["units"], each["done"]) for each in answer["stages"]] == [
        ("targets", MODELS, MODELS),
        ("scores", MODELS, MODELS),
    ]
    assert len(answer["slowest"]) == 2 * MODELS
    assert all(each["seconds"] > 0 and each["seconds_left"] == 0 for each in answer["stages"])
    assert answer["failing"] == answer["running"] == []

    assert main(["run", str(study), "--part", "1/1", "--store", str(tmp_path / "alone")]) == 0
    assert objects(tmp_path / "alone") == objects(tmp_path / "store")
    assert len(Study.load(study).run(Store(tmp_path / "store"))) > 0
    assert objects(tmp_path / "alone") == objects(tmp_path / "store")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
def test_a_job_that_gets_a_signal_stops_cleanly_and_queues_again(study, slurm, tmp_path):
    from isomorph.cli._sbatch import sbatch_script
    from isomorph.results import Study

    study.write_text(study.read_text().replace("replicates = 10", "replicates = 2000000"))  # a unit that takes minutes
    assert main(["run", str(study), "--part", "1/1", "--stage", "targets"]) == 0
    script = sbatch_script(Study.load(study), study, jobs=1, store=tmp_path / "store")
    job = tmp_path / "job.sh"
    job.write_text(script.split("<<'ISOMORPH_JOB'\n")[2].split("ISOMORPH_JOB\n")[0])
    env = slurm | {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_JOB_ID": "42", "SLURM_JOB_ID": "42"}
    running = subprocess.Popen(["bash", job], env=env, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "store" / "units").glob("??/*.attempt.json")):
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGUSR1)
    said = running.communicate(timeout=120)[1]
    assert running.returncode == 75, said
    assert "part 1/1 was stopped by a signal after 0 units" in said
    assert not list((tmp_path / "store").glob("units/??/*"))
    assert (tmp_path / "scontrol.log").read_text() == "requeue 42_1\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="SLURM is for Linux")
@pytest.mark.parametrize(
    ("worker", "send", "status", "queued_again"),
    [
        ("sleep 30", "SIGUSR1", 138, True),
        ("sleep 30", "SIGTERM", 143, False),
        ("exit 1", None, 1, False),
        ("exit 75", None, 75, True),
        ("kill -9 $BASHPID", None, 137, False),
    ],
)
def test_the_exit_status_of_a_job_is_its_workers(worker, send, status, queued_again, slurm, tmp_path):
    from isomorph.cli._sbatch import sbatch_script
    from isomorph.results import Study

    study = Study(name="first", models=("bundled/pixels",), benchmarks=("kriegeskorte-92",))
    script = sbatch_script(study, tmp_path / "first.toml", jobs=1, store=tmp_path / "store")
    job = script.split("<<'ISOMORPH_JOB'\n")[1].split("ISOMORPH_JOB\n")[0].splitlines()
    (begins,) = [index for index, line in enumerate(job) if line.endswith(" &")]
    job[begins] = f"(touch {tmp_path}/begun; {worker.replace('sleep', 'exec sleep')}) &"
    (tmp_path / "job.sh").write_text("\n".join(job))
    running = subprocess.Popen(["bash", tmp_path / "job.sh"], env=slurm | {"SLURM_JOB_ID": "42"}, stderr=subprocess.DEVNULL)
    while not (tmp_path / "begun").exists():
        time.sleep(0.02)
    if send:
        time.sleep(0.3)
        running.send_signal(signal.Signals[send])
    assert running.wait(timeout=60) == status
    assert (tmp_path / "scontrol.log").exists() is queued_again
