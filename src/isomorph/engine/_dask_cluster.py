"""Clusters of Dask: processes of this machine, or jobs of a batch system."""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from isomorph.engine._dask_job import DaskJob
from isomorph.errors import InputError, MissingDependencyError, UnknownNameError

BATCH_SYSTEMS = {
    "slurm": ("SLURMCluster", "sbatch"),
    "pbs": ("PBSCluster", "qsub"),
    "lsf": ("LSFCluster", "bsub"),
    "sge": ("SGECluster", "qsub"),
    "htcondor": ("HTCondorCluster", "condor_submit"),
}
"""By kind: the class of dask-jobqueue, and the program that submits."""
_NOWHERE = "127.0.0.1:0"
_ALWAYS: Mapping[str, Any] = {
    # Read whenever a worker is lost. One that is begun again is not given up so soon: after Dask's 15 s a busy machine still imports.
    "distributed.deploy.lost-worker-timeout": "60s",
    # Read whenever a worker begins. What all need is imported once, and a killed worker is back in a tenth of a second.
    "distributed.worker.multiprocessing-method": "forkserver" if hasattr(os, "fork") else "spawn",
}
_NO_LIMIT = 1_000_000
"""Deaths are counted by the journal, for the unit that was in hand; Dask blames those that waited behind it, too."""
_WORKER: Mapping[str, Any] = {
    "distributed.worker.http.routes": [],
    # Only outcomes of a few hundred bytes come back: a worker whose memory fills has nothing to spill, and would pause for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    # Dask ends a worker that is too large as gently as a cancelled one, so that nobody would count it; the batch system kills it.
    "distributed.worker.memory.terminate": False,
}


def dask_cluster(
    kind: str = "local",
    *,
    workers: int,
    minimum: int | None = None,
    tls: bool = True,
    dashboard: str | None = None,
    job: DaskJob | None = None,
    preload: Sequence[str] = (),
) -> Any:
    """Start a cluster of Dask whose workers do one unit at a time; `close()` it, or use it in a `with` block.

    The scheduler runs in this process. Workers that die are replaced. Nothing listens that lets anybody in who lacks this cluster's own
    temporary certificates; Dask's port for HTTP is open on 127.0.0.1 with nothing behind it.

    Args:
        kind: `local`: processes of this machine with a thread each, on 127.0.0.1 only; else the batch system whose jobs the workers are.
        workers: How many. Jobs whose processes share a GPU are whole: their number is rounded up.
        minimum: How many to keep while there is little to do; None is `workers`.
        tls: Encrypt, and let nobody in without the certificates. Without it, whoever reaches the scheduler's port runs code as you.
        dashboard: An address for Dask's dashboard, which knows no password, such as `127.0.0.1:8787`; None has none.
        job: What each job asks for; of `local` only `gpus` and `gpu_memory`, which all workers share.
        preload: Modules that units need: processes of this machine begin with them, imported once for all.

    Raises:
        InputError: A number of workers is impossible, or the batch system is not on this machine or refuses the job.
        UnknownNameError: There is no such kind.
        MissingDependencyError: Dask is not installed.
    """
    if kind != "local" and kind not in BATCH_SYSTEMS:
        raise UnknownNameError("kind of cluster", kind, ["local", *BATCH_SYSTEMS])
    least = workers if minimum is None else minimum
    if not 0 <= least <= workers or workers < 1:
        raise InputError(f"a cluster has at least 1 worker, and keeps from 0 to all of them; got workers={workers}, minimum={least}.")
    job = job or DaskJob()
    dask, distributed = _module("dask", kind), _module("distributed", kind)
    dask.config.set(_ALWAYS)
    how: dict[str, Any] = {"protocol": "tls://" if tls else "tcp://", "security": _certificates(distributed) if tls else None}
    http = {"dashboard": dashboard is not None, "dashboard_address": dashboard or _NOWHERE}
    routes: dict[str, Any] = {"distributed.scheduler.http.routes": []} if dashboard is None else {}
    with dask.config.set({"distributed.scheduler.allowed-failures": _NO_LIMIT, **routes}):
        cluster = _local(distributed, workers, http, how, job, preload) if kind == "local" else _jobs(kind, http, how, job)
    together = 1 if kind == "local" else job.processes
    cluster.adapt(minimum=-(-least // together) * together, maximum=-(-workers // together) * together)
    return cluster


def _local(distributed: Any, workers: int, http: Mapping[str, Any], how: Mapping[str, Any], job: DaskJob, preload: Sequence[str]) -> Any:
    from distributed.utils import get_mp_context

    context = get_mp_context()  # type: ignore[no-untyped-call]  # from now on it has Dask's own list, which is replaced here
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["distributed", "isomorph.engine._dask_worker", *preload])
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        memory_limit=None,
        resources=job.gpu_offers(workers) or None,
        silence_logs=logging.CRITICAL,
        config=dict(_WORKER),
        dashboard_address=None,
        scheduler_kwargs=http,
        **how,
    )


def _jobs(kind: str, http: Mapping[str, Any], how: Mapping[str, Any], job: DaskJob) -> Any:
    cluster, program = BATCH_SYSTEMS[kind]
    if not shutil.which(program):
        raise InputError(f"the batch system {kind} is not here: there is no program {program!r}. Begin on a machine that submits jobs.")
    interrupt = signal.getsignal(signal.SIGINT)
    start = getattr(_module("dask_jobqueue", kind), cluster)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)  # its runner, of which nothing is used, lets Ctrl-C end this process as if all were done
    if re.search(r"\s", str(job.folder.absolute())):
        raise InputError(f"batch systems cannot write to {str(job.folder.absolute())!r}: name a folder without spaces, --job folder=….")
    job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = start(
        **job.options(kind, _WORKER),
        **how,
        shared_temp_directory=str(job.folder.absolute()),
        scheduler_options=http,
        silence_logs=logging.CRITICAL,
    )
    _submit_first(made, program)
    return made


def _submit_first(cluster: Any, program: str) -> None:
    """Submit one job here and now: of those that `adapt` submits in the background nobody hears whether they were taken."""
    cluster.worker_spec.update(cluster.new_worker_spec())
    try:
        cluster.sync(cluster._correct_state)
    except Exception as error:
        for never_begun in (cluster.workers, cluster.worker_spec, cluster._created):
            never_begun.clear()  # and cannot be ended
        cluster.close()
        said = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise InputError(f"{program} does not take the workers' jobs: {said[-1].strip()}. Change what --job asks for.") from error


def _certificates(distributed: Any) -> Any:
    try:
        return distributed.Security.temporary()
    except ImportError as error:
        raise _missing("cryptography", "a cluster with TLS") from error


def _module(name: str, kind: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise _missing(name.replace("_", "-"), f"a cluster of the kind {kind!r}") from error


def _missing(package: str, needed_by: str) -> MissingDependencyError:
    return MissingDependencyError(package, needed_by=needed_by, install="pip install 'isomorph[dask]'")
