"""What one job of a batch system asks for."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isomorph.engine._memory import parse_bytes
from isomorph.engine._needs import Needs
from isomorph.errors import InputError

_USUAL_BYTES = 4_000_000_000
_STEP_BYTES = 100_000_000
_WHO_PAYS = {"slurm": "account", "pbs": "account", "lsf": "project", "sge": "project"}


@dataclass(frozen=True, kw_only=True)
class DaskJob:
    """A job that is one worker process, which does one unit at a time with all its cores; or several that share one GPU.

    Attributes:
        cores: How many; several processes share them out.
        memory: How much; the batch system kills a worker that needs more, and a unit at which that happens again and again is set apart.
            `auto`: what the largest unit needs (see `fitted`), once a process, and 4 GB at least.
        walltime: How long, as `[days-]hours:minutes:seconds`; workers end by themselves a little earlier, and are replaced.
        queue: Or partition.
        account: Who pays.
        gpus: How many.
        gpu_memory: How much one GPU has, such as `80GB`: units that need more are refused, and several small ones may share it.
        per_gpu: How many processes share the one GPU of a job; `auto`: as many as the largest unit fits into its memory, and one a core.
        directives: Further options, as a script of the batch system has them: `--qos=low --exclude=node7`; for HTCondor `name=value …`.
        prologue: A line of shell that is run first, such as `module load python`.
        interface: The network interface of scheduler and workers, such as `ib0`; None lets the system choose.
        disk: How much; only HTCondor asks.
        folder: For logs and, while the cluster lives, its certificates; all machines must see it.

    Example:
        >>> DaskJob(walltime="1-12:00:00").seconds
        129600
    """

    cores: int = 1
    memory: str = "auto"
    walltime: str = "1:00:00"
    queue: str | None = None
    account: str | None = None
    gpus: int = 0
    gpu_memory: str | None = None
    per_gpu: int | str = "auto"
    directives: str = ""
    prologue: str = ""
    interface: str | None = None
    disk: str = "1GB"
    folder: Path = Path("isomorph-workers")

    def __post_init__(self) -> None:
        if self.cores < 1 or self.gpus < 0:
            raise InputError(f"a job needs at least 1 core and no negative number of GPUs; got cores={self.cores}, gpus={self.gpus}.")
        for name, amount in (("memory", self.memory), ("gpu_memory", self.gpu_memory), ("disk", self.disk)):
            if amount is not None and (name, amount) != ("memory", "auto"):
                parse_bytes(amount, name=name)
        if self.per_gpu != "auto" and not (isinstance(self.per_gpu, int) and 1 <= self.per_gpu <= self.cores):
            raise InputError(f"per_gpu is auto, or how many processes share a GPU, from 1 to cores={self.cores}; got {self.per_gpu!r}.")
        if self.processes > 1 and self.gpus != 1:
            raise InputError(f"per_gpu={self.per_gpu} shares one GPU among processes, so ask for gpus=1; got gpus={self.gpus}.")
        if self.seconds < 120:
            raise InputError(f"a job of {self.walltime} has no time to work; give it two minutes at least.")

    @property
    def seconds(self) -> int:
        """The walltime."""
        match = re.fullmatch(r"(?:([0-9]{1,3})-)?([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])", self.walltime)
        if not match:
            raise InputError(f"walltime is [days-]hours:minutes:seconds, such as 4:00:00; got {self.walltime!r:.40}.")
        days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    @property
    def processes(self) -> int:
        """Worker processes in a job."""
        return self.per_gpu if isinstance(self.per_gpu, int) else 1

    @property
    def memory_bytes(self) -> int:
        """What a job asks for."""
        return _USUAL_BYTES if self.memory == "auto" else parse_bytes(self.memory, name="memory")

    @property
    def offers(self) -> dict[str, int]:
        """Dask's resources of each worker: its shares of the job's memory and of the GPU's."""
        return {"MEMORY": self.memory_bytes // self.processes} | self.gpu_offers(self.processes)

    def gpu_offers(self, processes: int) -> dict[str, int]:
        """Dask's resources of each of several workers that share a GPU."""
        if not self.gpus:
            return {}
        return {"GPU": 1} | ({"GPU_MEMORY": parse_bytes(self.gpu_memory) // processes} if self.gpu_memory else {})

    def fitted(self, needs: Sequence[Needs]) -> DaskJob:
        """The same job with numbers in the place of `auto`: so that the largest of the units fits, and shares its GPU if it can.

        Example:
            >>> job = DaskJob(cores=8, gpus=1, gpu_memory="80GB").fitted([Needs(memory=6_000_000_000, gpu=True, gpu_memory=24_000_000_000)])
            >>> job.per_gpu, job.memory
            (3, '18GB')
        """
        largest = max((each.memory or 0 for each in needs), default=0)
        sharing = self._sharing(needs, largest) if self.per_gpu == "auto" else self.processes
        steps = max(_USUAL_BYTES // _STEP_BYTES, -(-largest // _STEP_BYTES)) * sharing
        return replace(self, per_gpu=sharing, memory=f"{steps / 10:g}GB" if self.memory == "auto" else self.memory)

    def _sharing(self, needs: Sequence[Needs], largest: int) -> int:
        on_gpu = [each.gpu_memory for each in needs if each.gpu]
        known = [each for each in on_gpu if each]
        if self.gpus != 1 or self.gpu_memory is None or not known or len(known) < len(on_gpu):
            return 1
        fit = min(parse_bytes(self.gpu_memory) // max(known), self.cores)
        if self.memory != "auto" and largest:
            fit = min(fit, self.memory_bytes // largest)
        return max(1, fit)

    def options(self, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """As dask-jobqueue's cluster of this kind takes it; `settings` are those of Dask in the job."""
        options: dict[str, Any] = {
            "cores": self.cores,
            "processes": self.processes,
            "memory": f"{self.memory_bytes}B",
            "interface": self.interface,
            "python": shlex.quote(sys.executable),
            "job_name": "isomorph",
            "log_directory": str(self.folder.absolute()),
            "worker_extra_args": self._worker_words(),
            "job_script_prologue": self._prologue(settings),
            "job_extra_directives": self._directives(kind),
        }
        if kind == "htcondor":
            pairs = [each.partition("=")[::2] for each in options["job_extra_directives"]]
            return options | {"disk": self.disk, "job_extra_directives": {name.strip(): value.strip() for name, value in pairs}}
        if kind == "pbs":
            gpus = f":ngpus={self.gpus}" if self.gpus else ""
            options["resource_spec"] = f"select=1:ncpus={self.cores}:mem={self.memory_bytes // 2**20}mb{gpus}"
        return options | {"queue": self.queue, "walltime": self._walltime(kind), _WHO_PAYS[kind]: self.account}

    def _worker_words(self) -> list[str]:
        margin = min(300, self.seconds // 10)
        words = ["--nthreads", "1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        words += ["--lifetime", f"{self.seconds - 2 * margin}s", "--lifetime-stagger", f"{margin}s"]
        return [*words, "--resources", ",".join(f"{name}={amount}" for name, amount in self.offers.items())]

    def _prologue(self, settings: Mapping[str, Any]) -> list[str]:
        dask = {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value for name, value in settings.items()}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), self.cores // self.processes)
        exports = [f"export {name}={shlex.quote(str(value))}" for name, value in (dask | threads).items()]
        return [*exports, *([self.prologue] if self.prologue else [])]

    def _directives(self, kind: str) -> list[str]:
        asked = {"slurm": f"--gres=gpu:{self.gpus}", "lsf": f'-gpu "num={self.gpus}"', "sge": f"-l gpu={self.gpus}"}
        gpus = asked | {"htcondor": f"request_gpus={self.gpus}"}
        mine = shlex.split(self.directives)
        if kind != "htcondor":  # a line of a script may hold several words
            mine = [self.directives] if self.directives else []
        return [*([gpus[kind]] if self.gpus and kind in gpus else []), *mine]

    def _walltime(self, kind: str) -> str:
        minutes, seconds = divmod(self.seconds, 60)
        if kind == "lsf":
            return f"{minutes // 60}:{minutes % 60:02}"
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
