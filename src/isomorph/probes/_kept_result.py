"""A probe's result in the store, and out again as it was."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.probes._probe_result import ProbeResult, Trial

if TYPE_CHECKING:
    from isomorph.store import StoredObject, Writer

_TENSORS = ("predictions", "labels", "curve")


def keep_result(writer: Writer, result: ProbeResult) -> None:
    """Put and commit all of it; the losses of fits that diverged are NaN, which only tensors hold."""
    curve = [[*each.options.values(), each.accuracy, each.loss] for each in result.curve]
    writer.put("result", {"predictions": result.predictions, "labels": result.labels, "curve": np.array(curve, dtype=np.float64)})
    plain = {each.name: getattr(result, each.name) for each in fields(result) if each.name not in _TENSORS}
    of_curve = {"options": list(result.curve[0].options), "seeds": [each.seed for each in result.curve]}
    writer.commit({"result": plain, "curve": of_curve})


def kept_result(stored: StoredObject) -> ProbeResult:
    """What `keep_result` committed.

    Raises:
        StoreError: It is damaged.
    """
    plain: dict[str, Any] = dict(stored.meta["result"])
    predictions, labels, curve = (np.array(stored.read("result", name)) for name in _TENSORS)
    names, seeds = stored.meta["curve"]["options"], stored.meta["curve"]["seeds"]
    trials = [
        Trial(options=dict(zip(names, values, strict=True)), accuracy=accuracy, loss=loss, seed=seed)
        for (*values, accuracy, loss), seed in zip(curve.tolist(), seeds, strict=True)
    ]
    plain["intervals"] = {name: tuple(ends) for name, ends in plain["intervals"].items()}
    for name, value in plain.items():
        plain[name] = tuple(value) if isinstance(value, list) else value
    return ProbeResult(**plain, predictions=predictions, labels=labels, curve=tuple(trials))
