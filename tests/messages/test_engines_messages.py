"""What engines, clusters and units that travel say of what they are asked."""

import os

import pytest
from PIL import Image

from isomorph.cli import main
from isomorph.cli._study_unit import StudyUnit
from isomorph.engine import DaskEngine, DaskJob, dask_cluster
from isomorph.errors import FileError, InputError, StoreError, UnknownNameError

STUDY = 'models = ["bundled/pixels"]\nstimuli = "photos"\n'


@pytest.fixture
def study(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "a.png")
    path = tmp_path / "first.toml"
    path.write_text(STUDY)
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cores": 0}, "a job needs at least 1 core and no negative number of GPUs; got cores=0, gpus=0."),
        ({"walltime": "4h"}, "walltime is [days-]hours:minutes:seconds, such as 4:00:00; got '4h'."),
        ({"walltime": "0:01:00"}, "a job of 0:01:00 has no time to work; give it two minutes at least."),
        ({"memory": "4G"}, "memory must be an amount of memory"),
        ({"gpu_memory": ""}, "gpu_memory must be an amount of memory such as '2GB', '512MiB' or a number of bytes; got ''."),
        ({"per_gpu": 2, "gpus": 1}, "per_gpu is auto, or how many processes share a GPU, from 1 to cores=1; got 2."),
        ({"per_gpu": "two"}, "per_gpu is auto, or how many processes share a GPU, from 1 to cores=1; got 'two'."),
        ({"per_gpu": 2, "gpus": 2, "cores": 8}, "per_gpu=2 shares one GPU among processes, so ask for gpus=1; got gpus=2."),
    ],
)
def test_jobs_that_cannot_be(options, said):
    with pytest.raises(InputError) as error:
        DaskJob(**options)
    assert said in str(error.value)


def test_clusters_that_cannot_be(monkeypatch, tmp_path):
    with pytest.raises(UnknownNameError, match=r"^no kind of cluster is called 'slrum'\. Did you mean 'slurm'\?$"):
        dask_cluster("slrum", workers=1)
    with pytest.raises(InputError, match=r"^a cluster has at least 1 worker, and keeps from 0 to all of them; got workers=0, minimum=0\.$"):
        dask_cluster(workers=0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"^the batch system lsf is not here: there is no program 'bsub'\. Begin on a "):
        dask_cluster("lsf", workers=1)


def test_jobs_that_the_batch_system_refuses(monkeypatch, tmp_path):
    for name in ("sbatch", "scancel"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'sbatch: error: invalid partition specified: nowhere' >&2\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    said = r"^sbatch does not take the workers' jobs: sbatch: error: invalid partition specified: nowhere\. Change what --job asks for\.$"
    with pytest.raises(InputError, match=said):
        dask_cluster("slurm", workers=2, job=DaskJob(queue="nowhere", folder=tmp_path / "workers"))
    with pytest.raises(InputError, match=r"^batch systems cannot write to '.*my workers': name a folder without spaces, --job folder=…\.$"):
        dask_cluster("slurm", workers=2, job=DaskJob(folder=tmp_path / "my workers"))


def test_an_address_where_nobody_answers():
    with pytest.raises(InputError, match=r"^no scheduler of Dask can be reached at nonsense://x: "):
        DaskEngine("nonsense://x")


def test_a_unit_that_wakes_up_where_its_study_is_not(study):
    unit = StudyUnit(path=study.with_name("gone.toml"), store="store", stage="targets", index=0, label="x")
    with pytest.raises(FileError, match=r"^the machine \S+ does not see the study \S+gone\.toml \(No such file or directory\)\. W"):
        unit.run(None)
    unit = StudyUnit(path=study, store=str(study.parent / "store"), stage="targets", index=5, label="x")
    with pytest.raises(StoreError, match=r"has changed since the run began: 'x' is no longer its unit 5\. Begin again\.$"):
        unit.run(None)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--engine", "slrum"], 1, "no engine is called 'slrum'. Did you mean 'slurm'?"),
        (["--engine", "dask", "--part", "3/2"], 2, "a part is i/N with 1 ≤ i ≤ N ≤ 1,000,000, such as 1/8; got 3/2."),
        (["--engine", "dask", "--job", "minimum=few"], 1, "minimum is how many workers to keep while there is little to do; got 'few'."),
        (["--engine", "slurm", "--job", "per_gpu=2"], 1, "per_gpu is auto, or how many processes share a GPU, from 1 to cores=1; got 2."),
        (["--workers", "2"], 2, "--workers and --job go with --engine."),
        (["--engine", "dask", "--dry-run"], 2, "--dry-run shows the whole study; `isomorph plan` shows its units."),
        (["--engine", "slurm", "--job", "core=2"], 1, "no option is called 'core'. Did you mean 'cores'?"),
        (["--engine", "slurm", "--job", "cores"], 1, "--job takes key=value; got 'cores'."),
        (["--engine", "dask", "--stage", "last"], 2, "the study 'first' has the stages targets, scores, and no 'last'."),
    ],
)
def test_wrong_ways_to_ask_for_an_engine(words, status, said, study, capsys):
    assert main(["run", str(study), *words]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["slurm", "pbs", "lsf", "sge", "htcondor"])
def test_what_a_job_asks_of_each_batch_system(kind, tmp_path):
    jobqueue = pytest.importorskip("dask_jobqueue", reason="the extra 'dask' is not installed")
    asked = {"queue": "long", "account": "lab", "gpus": 2, "directives": "--qos=low", "prologue": "true", "folder": tmp_path}
    job = DaskJob(cores=4, memory="8GiB", walltime="1-02:00:00", **asked)
    made = {"slurm": "SLURMJob", "pbs": "PBSJob", "lsf": "LSFJob", "sge": "SGEJob", "htcondor": "HTCondorJob"}[kind]
    options = job.options(kind, {"distributed.worker.http.routes": []}) | ({"lsf_units": "mb"} if kind == "lsf" else {})
    script = getattr(getattr(jobqueue, kind), made)("tls://10.0.0.1:8786", name="w", **options).job_script()
    wanted = {
        "slurm": ["-p long", "-A lab", "--cpus-per-task=4", "--mem=8G", "-t 26:00:00", "--gres=gpu:2", "#SBATCH --qos=low"],
        "pbs": ["-q long", "-A lab", "select=1:ncpus=4:mem=8192mb:ngpus=2", "walltime=26:00:00", "#PBS --qos=low"],
        "lsf": ["-q long", '-P "lab"', "-n 4", "-W 26:00", '-gpu "num=2"', "#BSUB --qos=low"],
        "sge": ["-q long", "-P lab", "h_rt=26:00:00", "-l gpu=2", "#$ --qos=low"],
        "htcondor": ["request_gpus = 2", "--qos = low", "MY.DaskWorkerCores = 4"],
    }[kind]
    shared = [
        "--nthreads 1",
        "--lifetime 93000s",
        "--lifetime-stagger 300s",
        "--resources MEMORY=8589934592,GPU=1",
        "--no-dashboard",
        "OMP_NUM_THREADS=4",
    ]
    assert not [each for each in [*wanted, *shared, "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES="] if each not in script], script
