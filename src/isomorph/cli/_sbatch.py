"""A shell script that submits a study to SLURM."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.engine import STOPPED
from isomorph.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isomorph.engine import Needs, StagedStudy

_HEAD = """\
#!/bin/bash
# Submits the study {name}: {jobs} jobs a stage, then its report. Its arguments go to every sbatch, and what stands in --gpu-options only
# to those of stages that use a GPU ({on_gpu}):
#   bash submit.sh --time=4:00:00 --gpu-options='--partition=gpu --gres=gpu:1'
set -euo pipefail
gpu=
for each in "$@"; do
  shift
  case "$each" in
    --gpu-options=*) gpu="${{gpu:+$gpu }}${{each#*=}}" ;;
    *) set -- "$@" "$each" ;;
  esac
done
{no_gpu}case " $* $gpu" in *" --array"* | *" -a"*)
  echo "each array has {jobs} jobs, one a part of the study; isomorph plan --sbatch N%K prints a script of N jobs, K at once" >&2
  exit 2 ;;
esac
most=$(scontrol show config 2>/dev/null | sed -n 's/^MaxArraySize *= *//p' || true)
if [ -n "$most" ] && [ "$most" -le {jobs} ]; then
  echo "this cluster's arrays have at most $((most - 1)) jobs, and these have {jobs}: print the script with --sbatch $((most - 1))" >&2
  exit 2
fi
"""
_NO_GPU = """\
if [ -n "$gpu" ]; then
  echo "no stage of this study runs on a GPU, for that is not the device it asks for: leave out --gpu-options" >&2
  exit 2
fi
"""
_MEMORY = """\
# What the largest unit of a stage needs, unless you ask for memory: its model twice, for it is there as a file and as a network, beside the
# libraries and what a dry run showed, else the study's memory_limit.
arguments="$*"
memory() { case " $arguments ${2-}" in *" --mem"*) ;; *) echo "--mem=$1M" ;; esac; }
"""
_JOB = """
{variable}=$(sbatch --parsable --job-name={name}-{title} --output={name}-{title}-{log}.out --open-mode=append{array} \\
  --requeue --signal=B:USR1@120{after}{asked} "$@"{gpu} <<'ISOMORPH_JOB'
#!/bin/bash
# Two minutes before the time limit the job gets USR1: the unit in hand is abandoned, its finished pieces stay in the store, and the job
# goes back into the queue. A preempted job gets TERM, and SLURM puts it back; a cancelled one too, and it stays away.
job={job}
{threads}{exports}begun="begun ${{SLURM_RESTART_COUNT:-0}} times before"
echo "study {name}, {title}{part}: job $job on $(hostname) at $(date +%FT%T), $begun"
stopped=
trap 'stopped=1; kill -USR1 "$worker" 2>/dev/null' USR1
trap 'stopped=1; kill -TERM "$worker" 2>/dev/null' TERM
{command} &
worker=$!
wait "$worker"; status=$?
while [ -n "$stopped" ]; do  # the signal ended `wait`, not the worker
  stopped=
  wait "$worker"; again=$?
  if [ "$again" -ne 127 ]; then status=$again; fi
done
case "$status" in
  {requeue}|138) scontrol requeue "$job" ;;  # 138: USR1 came before the worker could listen
  137) echo "the worker was killed, which mostly means that memory was too small: bash submit.sh --mem=…" >&2 ;;
esac
exit "$status"
ISOMORPH_JOB
)
{variable}=${{{variable}%%;*}}
echo "{title}: job ${variable}"
"""
# The SLURM_JOB_ID of an array's last job is the array's, by which all its jobs would be queued again, finished ones too.
_ARRAY_JOB = '"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"'
_CPUS = "${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}"
_MOST_PER_GPU = 64
_QUOTED = ' "$gpu"'


def jobs_of(text: str) -> tuple[int, int | None]:
    """How many jobs, and how many of them at once: of `"64"` or `"64%8"`.

    Raises:
        InputError: It is no such thing.
    """
    match = re.fullmatch(r"([0-9]{1,6})(?:%([0-9]{1,6}))?", text)
    jobs, at_once = (int(match[1]), int(match[2]) if match[2] else None) if match else (0, None)
    if not 1 <= jobs <= 100_000 or at_once == 0:
        raise InputError(f"--sbatch takes a number of jobs from 1 to 100,000, or N%K for K of N jobs at once; got {text!r:.80}.")
    return jobs, at_once


def sbatch_script(study: StagedStudy, path: Path, *, jobs: int, store: Path | str, at_once: int | None = None, per_gpu: int = 1) -> str:
    """The script: an array of `jobs` jobs for each stage, which begins when the stage before is done, and a job for the report.

    Args:
        study: What is run.
        path: Its file, as the jobs see it.
        jobs: The length of each array.
        store: Folder or address of the store.
        at_once: How many jobs of an array may run at the same time; None: as many as find room.
        per_gpu: How many processes share the GPU of a job, in stages that use one.

    Raises:
        InputError: A path holds a line break, which no line of the script can hold; or several processes are to share a GPU that none uses.
    """
    asked = _asked(study, store, per_gpu)
    on_gpu = [_in_names(stage) for stage in study.stages if asked[stage].gpu]
    name = _in_names(study.name)
    run = f"{_quoted(sys.executable)} -m isomorph run {_quoted(path)} --store {_quoted(store)}"
    script = _HEAD.format(name=name, jobs=jobs, on_gpu=", ".join(on_gpu) or "none", no_gpu="" if on_gpu else _NO_GPU)
    script, after, limit = script + _MEMORY, "", "" if at_once is None else f"%{at_once}"
    for stage, needed in asked.items():
        array, title = stage != "report", _in_names(stage)
        workers = f" --engine dask --workers {needed.processes}" if needed.processes > 1 else ""
        variable = re.sub(r"\W", "_", f"job_{title}", flags=re.ASCII)
        script += _JOB.format(
            variable=variable,
            title=title,
            name=name,
            log="%A_%a" if array else "%j",
            array=f" --array=1-{jobs}{limit}" if array else "",
            after=after,
            asked=needed.memory_words,
            gpu=" $gpu" if needed.gpu else "",
            threads=_threads(needed.processes),
            job=_ARRAY_JOB if array else "$SLURM_JOB_ID",
            part=f", part $SLURM_ARRAY_TASK_ID/{jobs}" if array else "",
            exports=_exports(),
            command=f'{run} --stage {shlex.quote(stage)} --part "$SLURM_ARRAY_TASK_ID/{jobs}"{workers}' if array else run,
            requeue=STOPPED,
        )
        after = f' --dependency="afterok:${variable}" --kill-on-invalid-dep=yes'
    return script


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the jobs of one stage ask for; memory of all their processes."""

    gpu: bool
    processes: int
    memory: int | None

    @property
    def memory_words(self) -> str:
        return "" if self.memory is None else f" $(memory {-(-self.memory >> 20)}{_QUOTED if self.gpu else ''})"


def _asked(study: StagedStudy, store: Path | str, per_gpu: int) -> dict[str, _Asked]:
    """Stage by stage, and of the report, which reads what the others made and goes with the last of them."""
    from isomorph.store import open_store

    if not 1 <= per_gpu <= _MOST_PER_GPU:
        raise InputError(f"from 1 to {_MOST_PER_GPU} processes can share a GPU; got {per_gpu}.")
    asked: dict[str, _Asked] = {}
    sizes: list[int] = []
    for stage in study.stages:
        needs = study.needs(open_store(store), stage=stage)
        gpu, size = any(each.gpu for each in needs), _largest(needs)
        processes = per_gpu if gpu else 1
        asked[stage] = _Asked(gpu=gpu, processes=processes, memory=None if size is None else processes * size)
        sizes += [] if size is None else [size]
    if per_gpu > 1 and not any(each.gpu for each in asked.values()):
        raise InputError(f"no stage of the study {study.name!r} runs on a GPU that {per_gpu} processes could share.")
    return asked | {"report": _Asked(gpu=asked[study.stages[-1]].gpu, processes=1, memory=max(sizes, default=None))}


def _in_names(text: str) -> str:
    """What may stand in the names of jobs and logs, where `%` and `/` mean something."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "study"


def _quoted(value: object) -> str:
    if not (text := str(value)).isprintable():
        raise InputError(f"the path {text!r} holds a character that cannot be printed, and so cannot stand in a script. Rename it.")
    return shlex.quote(text)


def _exports() -> str:
    """Where data are and what nodes keep of them, for clusters whose jobs do not get the submitting shell's environment."""
    folders = ("ISOMORPH_DATA", "ISOMORPH_DATA_MIRROR", "ISOMORPH_SHARD_CACHE")
    set_here = {name: str(Path(folder).absolute()) for name in folders if (folder := os.environ.get(name))}
    if size := os.environ.get("ISOMORPH_SHARD_CACHE_SIZE"):
        set_here["ISOMORPH_SHARD_CACHE_SIZE"] = size
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in set_here.items())


def _threads(share: int) -> str:
    """The cores of a job, shared out among its processes."""
    cores = _CPUS if share == 1 else f"$((({_CPUS} + {share - 1}) / {share}))"
    return f'export OMP_NUM_THREADS="${{OMP_NUM_THREADS:-{cores}}}"\n'


def _largest(needs: Sequence[Needs]) -> int | None:
    """The memory of the largest unit; None where one is not known, and the cluster's default holds."""
    known = [each.memory for each in needs if each.memory is not None]
    return max(known) if known and len(known) == len(needs) else None
