"""What a classifier answers to pictures, as distributions over classes or over people's categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.abstention._softmax import softmax
from isomorph.arrays import check_finite
from isomorph.errors import InputError
from isomorph.perception import Answers
from isomorph.profile import timed

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

ClassMap: TypeAlias = Mapping[str, Sequence[str | int]] | Path | str
IMAGENET_16 = "imagenet-16"


def answer(
    model: Model | str,
    stimuli: Stimuli,
    *,
    classes: Sequence[str] | None = None,
    mapping: ClassMap | None = None,
    dataset: str = "",
    subject: str | None = None,
    batch_size: int = 32,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Answers:
    """Show pictures to a classifier and keep its probabilities.

    Args:
        model: A name or a loaded model whose output is `[picture, class]` logits.
        stimuli: Pictures; their labels become the truth where they are among the outcomes.
        classes: The names of the outputs, in their order; by default their numbers.
        mapping: Categories of classes: "imagenet-16" (model-vs-human's, for ImageNet's 1,000), a JSON file, or `{category: [classes]}`.
            A category's weight is the mean of its members' probabilities.
        dataset: Which data set this is; becomes the answers' provenance, by which benchmarks know it.
        subject: Under which name; by default the model's, without its source.
        batch_size: Pictures at a time.
        device: Where a model given by name runs.
        progress: Where progress is shown.

    Raises:
        InputError: The model takes no pictures, its output is no class scores, or classes or map do not fit its outputs.
        NonFiniteError: It gives NaN or infinite scores.

    Example:
        ```python
        answers = answer("bundled/mobilenet_v2.imagenet1k", load_stimuli("edges"), mapping="imagenet-16", dataset="edge")
        ```
    """
    from isomorph.models import load_model

    loaded = load_model(model, device=device) if isinstance(model, str) else model
    if loaded.modality != "image" or stimuli.modality != "image":
        which = f"{loaded.name} takes {loaded.modality}s" if loaded.modality != "image" else "the stimuli are texts"
        raise InputError(f"answers are classes of pictures, but {which}. Take a classifier of pictures, and pictures.")
    parts: list[npt.NDArray[np.float64]] = []
    task = None if progress is None else progress.task(f"{loaded.name} answers {dataset}".strip(), len(stimuli), unit="pictures")
    for start in range(0, len(stimuli), batch_size):
        rows = range(start, min(start + batch_size, len(stimuli)))
        with timed("decode"):
            batch = loaded.prepare([stimuli[row] for row in rows])
        parts.append(_scores(loaded, loaded.forward(batch), len(rows)))
        if start == 0:
            members_of(parts[0].shape[1], classes, mapping, name=loaded.name)  # before hours of work
        if task is not None:
            task.advance(len(rows))
    if task is not None:
        task.close()
    return answer_logits(
        np.concatenate(parts), stimuli.ids, classes=classes, mapping=mapping, dataset=dataset,
        subject=subject or loaded.name.rpartition("/")[2], labels=stimuli.labels,
    )  # fmt: skip


def answer_logits(
    logits: Any,
    ids: Sequence[str],
    *,
    subject: str,
    classes: Sequence[str] | None = None,
    mapping: ClassMap | None = None,
    labels: Sequence[str] | None = None,
    dataset: str = "",
) -> Answers:
    r"""Answers from stored logits: $p = \mathrm{softmax}(z)$ in double precision, then the mean over each category's members.

    Args:
        logits: `[item, class]`.
        ids: The items.
        subject: Who answers.
        classes: As in `answer`.
        mapping: As in `answer`.
        labels: What is right; names that are no outcome are taken as unknown.
        dataset: As in `answer`.

    Raises:
        InputError: Classes or map do not fit the logits.
        NonFiniteError: A logit is NaN or infinite.

    Example:
        >>> found = answer_logits([[2.0, 2.0, 0.0]], ["a.png"], subject="net", mapping={"cat": [0, 1], "dog": [2]})
        >>> found.probabilities.round(3).tolist()
        [[0.881, 0.119]]
    """
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim != 2 or len(scores) != len(ids):
        raise InputError(f"{subject}: logits are [item, class], one row for each of {len(ids)} items; got the shape {scores.shape}.")
    check_finite(scores, name=f"the logits of {subject}", ids=tuple(ids), rows="pictures")
    names, members = members_of(scores.shape[1], classes, mapping, name=subject)
    outcomes = set(members or names)
    truth = [each if each in outcomes else "" for each in labels] if labels is not None else None
    known = truth is not None and any(truth)
    fine = Answers(ids=tuple(ids), outcomes=names, probabilities=softmax(scores), subject=subject, provenance=dataset)
    found = fine if members is None else fine.mapped(members)
    return Answers(
        ids=found.ids, outcomes=found.outcomes, probabilities=found.probabilities, subject=subject, provenance=dataset,
        truth=tuple(truth) if known and truth is not None else None,
    )  # fmt: skip


def members_of(
    outputs: int, classes: Sequence[str] | None, mapping: ClassMap | None, *, name: str
) -> tuple[tuple[str, ...], dict[str, list[str | int]] | None]:
    """The names of the outputs, and the categories' members once they are seen to fit."""
    from isomorph.benchmarks import imagenet_16
    from isomorph.perception import read_class_map
    from isomorph.perception._class_map import membership

    names = tuple(map(str, range(outputs))) if classes is None else tuple(classes)
    if len(names) != outputs:
        raise InputError(f"{name} has {outputs} outputs, and {len(names)} classes were named. Name each output once, in the model's order.")
    if mapping is None:
        return names, None
    if mapping == IMAGENET_16:
        if outputs != 1000:
            raise InputError(
                f"{name} has {outputs} outputs; 'imagenet-16' knows ImageNet's 1,000 classes in their usual order. Give a classifier with "
                "its head, or a map of its own outputs: mapping={'bird': [0, 3], …} or a JSON file."
            )
        members = imagenet_16()
    else:
        members = read_class_map(mapping) if isinstance(mapping, str | Path) else {key: list(each) for key, each in mapping.items()}
    membership(names, members)
    return names, members


def _scores(model: Model, output: Any, n: int) -> npt.NDArray[np.float64]:
    """The class scores of one batch."""
    from isomorph.models._logits import class_scores

    output = class_scores(output)
    shape = tuple(getattr(output, "shape", ()))
    if len(shape) != 2 or shape[0] != n or shape[1] < 2:
        raise InputError(
            f"{model.name} gives {list(shape) if shape else type(output).__name__} for {n} pictures where a classifier gives [{n}, class]: "
            "it has no class outputs. Take a model with its head; or fit a probe to its features (isomorph.probes) and give the logits to "
            "answer_logits."
        )
    return np.asarray(output.detach().float().cpu().numpy() if hasattr(output, "detach") else output, dtype=np.float64)
