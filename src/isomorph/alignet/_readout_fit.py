"""Fits a readout of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, NonFiniteError, ShapeError

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuned import FineTuned
    from isomorph.alignet._readout import Readout
    from isomorph.features import Features
    from isomorph.models import Model
    from isomorph.probes._examples import Examples
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

_STRENGTHS = tuple(float(each) for each in 10.0 ** np.arange(-3, 5))
_RATES = (1e-1, 1e-2, 1e-3)


def fit_readout(
    student: FineTuned | Model,
    x: Stimuli | Features | FloatArray,
    labels: Any = None,
    *,
    classes: Sequence[str] | None = None,
    kind: Literal["logistic", "adamw"] = "logistic",
    validation: float = 0.2,
    epochs: int = 20,
    batch_size: int = 1024,
    seed: int = 0,
    device: str = "cpu",
    memory_limit: str | int = "2GB",
    store: Store | None = None,
) -> Readout:
    r"""A layer normalisation and a linear map from `pre_logits` to classes; the student itself does not change.

    $$z = \frac{x - \bar x}{\sqrt{\mathrm{var}(x) + 10^{-6}}}, \qquad \mathrm{scores} = W z + b$$

    with mean and variance over the features of each row. It has the form of AligNet's `i1k_head`, whose recipe is not public; this one is
    ours: `"logistic"` is multinomial logistic regression by L-BFGS, for some thousands of pictures; `"adamw"` is for ImageNet. The penalty
    (and AdamW's learning rate) is the one with the best accuracy on a share of each class, held out; the last fit is on all of them.

    Args:
        student: Whose readout.
        x: Pictures, or their `pre_logits`: `Features`, or an array `[picture, feature]`.
        labels: The class of each row, or id → class; None: the folders that the pictures lie in.
        classes: The order of the columns; None: numbers by value, words by letter.
        kind: How it is fitted.
        validation: The share that is held out.
        epochs: Of adamw.
        batch_size: Of adamw.
        seed: Of the share that is held out, and of adamw's first weights and batches.
        device: Of adamw, and of the student's pass over the pictures.
        memory_limit: Of the pass, and of what adamw's fits take.
        store: Where features are kept.

    Raises:
        InputError: The model is no student, there are no labels, or a class has fewer than two pictures.
        ShapeError: The features have another width than the student's `pre_logits`.
        NonFiniteError: Features are not finite, or training diverged.
    """
    import torch

    from isomorph.alignet._export import as_student_model
    from isomorph.alignet._readout import Readout
    from isomorph.probes._examples import read_examples
    from isomorph.stimuli import Stimuli

    if kind not in ("logistic", "adamw"):
        raise InputError(f"a readout is fitted by 'logistic' or 'adamw'; got {kind!r}.")
    model = as_student_model(student)
    module: Any = model.module
    if isinstance(x, Stimuli):
        labels = x.labels if labels is None else labels
        x = _pre_logits(model, x, device, memory_limit, store)
    if labels is None:
        raise InputError("a readout needs the class of each picture: pass labels, or pictures that lie in one folder a class.")
    known = read_examples(x, labels, name="readout", classes=None if classes is None else tuple(map(str, classes)))
    if known.x.shape[1] != (width := module.triplet_head.in_features):
        raise ShapeError(f"the readout's features have {known.x.shape[1]} columns, but the pre_logits of {model.name} have {width}.")
    known = replace(known, x=_normalised(known.x))
    options: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "device": device, "memory_limit": memory_limit}
    weights, bias, how = _logistic(known, validation, seed) if kind == "logistic" else _adamw(known, validation, seed, **options)
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise NonFiniteError("fitting the readout diverged: its weights are not finite. Use fewer epochs, or kind='logistic'.")
    readout = Readout(width, known.classes, how=how)
    with torch.no_grad():
        readout.linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights, dtype=np.float32)))
        readout.linear.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float32)))
    return readout


def _pre_logits(model: Model, stimuli: Stimuli, device: str, memory_limit: str | int, store: Store | None) -> Any:
    from isomorph.models import extract

    name = "output[pre_logits]"
    return extract(model, stimuli, layers=name, device=device, memory_limit=memory_limit, store=store)[name]


def _normalised(x: FloatArray) -> FloatArray:
    from isomorph.alignet._readout import EPSILON

    wide = x.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    wide /= np.sqrt((wide**2).mean(axis=1, keepdims=True) + EPSILON)
    return wide.astype(np.float32)


def _logistic(known: Examples, validation: float, seed: int) -> tuple[FloatArray, FloatArray, str]:
    from isomorph.probes._examples import split
    from isomorph.probes._logistic import logistic_path

    count = len(known.classes)
    keep, out = split(known, validation, seed=seed, why="validation")
    part, held = known.take(keep), known.take(out)
    path = logistic_path(part.x, part.y, count, _STRENGTHS, tolerance=1e-5, max_iterations=1000)
    logs = [each.log_probabilities(held.x) for each in path]
    chosen = int(np.argmin([-log[np.arange(len(held)), held.y].mean() for log in logs]))
    accuracy = float((logs[chosen].argmax(axis=1) == held.y).mean())
    *_, fit = logistic_path(known.x, known.y, count, _STRENGTHS[max(chosen - 1, 0) : chosen + 1], tolerance=1e-5, max_iterations=1000)
    return fit.weights.T, fit.bias, _how("logistic regression", f"C {_STRENGTHS[chosen]:g}", known, accuracy)


def _adamw(
    known: Examples, validation: float, seed: int, *, epochs: int, batch_size: int, device: str, memory_limit: str | int
) -> tuple[FloatArray, FloatArray, str]:
    from isomorph.engine import parse_bytes
    from isomorph.probes._adamw import AdamWProbes
    from isomorph.probes._examples import split
    from isomorph.probes._search import choose, search

    fits = AdamWProbes(
        known.x,
        known.y,
        len(known.classes),
        epochs=epochs,
        batch_size=batch_size,
        memory_bytes=parse_bytes(memory_limit, name="memory_limit"),
        device=device,
    )
    keep, out = (each[None] for each in split(known, validation, seed=seed, why="validation"))
    (lanes,) = search(lambda settings: fits.outcomes(keep, out, [seed], settings), seeds=[seed], rates=_RATES, ties="loss")
    chosen = choose(lanes, "loss")
    accuracy, _ = dict(each for lane in lanes for each in lane.trials)[chosen]
    weights, bias = fits.train(np.arange(len(known))[None], [seed], [[chosen]])
    settings = f"learning rate {chosen[0]:g}, weight decay {chosen[1]:.3g}, {epochs} epochs"
    return weights[0, 0].cpu().numpy(), bias[0, 0].cpu().numpy(), _how("AdamW", settings, known, accuracy)


def _how(name: str, settings: str, known: Examples, accuracy: float) -> str:
    return f"{name}, {settings}, {len(known):,} pictures, accuracy {accuracy:.1%} on pictures held out from a first fit"
