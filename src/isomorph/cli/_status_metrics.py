"""What `isomorph status` says, as text for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

STATES = ("done", "running", "failed", "left_out", "quarantined", "waiting")
_GAUGES = {
    "workers": ("isomorph_workers", "Processes that work on units of a stage now."),
    "seconds": ("isomorph_unit_seconds", "Mean time that a finished unit of a stage took; absent before the first."),
    "units_per_second": ("isomorph_units_per_second", "What the workers of now finish in a second, if each unit takes the mean time."),
    "seconds_left": ("isomorph_seconds_left", "How long the workers of now need for what is left of a stage; absent where nobody works."),
}


def metrics(answer: Mapping[str, Any]) -> str:
    r"""The answer of `isomorph status --json` in Prometheus's text format 0.0.4, without times, as the textfile collector wants it.

    Example:
        >>> stage = {"stage": "scores", "units": 2, "done": 2, "workers": 0, "seconds": 1.5}
        >>> print(metrics({"name": 'a "b"', "stages": [stage]}).splitlines()[2])
        isomorph_units{study="a \"b\"",stage="scores",state="done"} 2
    """
    return "".join(f"{line}\n" for line in _lines(answer))


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    yield from _head("isomorph_units", "Units of a study by stage and state.")
    for stage in answer["stages"]:
        for state in STATES:
            labels = _labels(study=answer["name"], stage=stage["stage"], state=state)
            yield f"isomorph_units{labels} {stage.get(state, 0)}"
    for key, (name, about) in _GAUGES.items():
        yield from _head(name, about)
        for stage in answer["stages"]:
            if stage.get(key) is not None:
                yield f"{name}{_labels(study=answer['name'], stage=stage['stage'])} {stage[key]!r}"


def _head(name: str, about: str) -> tuple[str, str]:
    return f"# HELP {name} {about}", f"# TYPE {name} gauge"


def _labels(**labels: str) -> str:
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # a study that is named after its file may hold what is no text
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
