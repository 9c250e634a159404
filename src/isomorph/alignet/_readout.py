"""From `pre_logits` to the scores of classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from isomorph.alignet._export import as_student_model
from isomorph.alignet._fine_tuned import FineTuned
from isomorph.errors import InputError, ShapeError

if TYPE_CHECKING:
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

    StudentT = TypeVar("StudentT", FineTuned, Model)

EPSILON = 1e-6
_SAME = 1e-4


class Readout(torch.nn.Module):
    """Scores of classes, `[picture, class]`: `linear(norm(pre_logits))`.

    The students that AligNet's authors released have such a readout, a layer normalisation (ε = 1e-6) and a linear map to ImageNet's 1,000
    classes; how theirs was trained is not public.

    Attributes:
        classes: What each column stands for.
        kind: `"fitted"` (`fit_readout`), or `"classifier"`: the one of the network that the student began as, without a normalisation.
        how: How it came about, in a few words.
    """

    def __init__(self, width: int, classes: Sequence[str], *, kind: str = "fitted", how: str = "") -> None:
        super().__init__()
        if kind not in ("fitted", "classifier"):
            raise InputError(f"a readout is 'fitted' or a 'classifier'; got {kind!r}.")
        self.classes, self.kind, self.how = tuple(map(str, classes)), kind, how
        self.norm = torch.nn.LayerNorm(width, eps=EPSILON) if kind == "fitted" else torch.nn.Identity()
        self.linear = torch.nn.Linear(width, len(self.classes))
        self.requires_grad_(False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """The scores of `pre_logits`."""
        scores: torch.Tensor = self.linear(self.norm(rows))
        return scores

    @property
    def facts(self) -> dict[str, Any]:
        """What builds it anew, weights apart."""
        return {"kind": self.kind, "classes": list(self.classes), "how": self.how}

    def extra_repr(self) -> str:
        """What printing adds."""
        return f"kind={self.kind!r}, classes={len(self.classes)}"


def with_readout(student: StudentT, readout: Readout) -> StudentT:
    """The same student, which also returns `i1k_logits`; the one that was given stays as it is.

    Args:
        student: What `FineTuning.fit` or `load_student` returned.
        readout: What `fit_readout` or `readout_from_classifier` returned.

    Raises:
        InputError: The model is no student.
        ShapeError: The readout was made for `pre_logits` of another width.
    """
    from isomorph.models._weights import weights_digest

    model = as_student_model(student)
    module: Any = model.module
    if (width := readout.linear.in_features) != module.triplet_head.in_features:
        raise ShapeError(f"the readout takes {width} features, but the pre_logits of {model.name} have {module.triplet_head.in_features}.")
    named = module.with_readout(readout)
    card = dataclasses.replace(model.card, parameters=sum(each.numel() for each in named.parameters()))
    changed = dataclasses.replace(model, module=named, card=card, weights=weights_digest(named.state_dict()))
    if isinstance(student, FineTuned):
        return dataclasses.replace(student, model=changed, student=student.student.with_readout(readout))
    return changed


def readout_from_classifier(student: FineTuned | Model, stimuli: Stimuli, *, classes: Sequence[str] | None = None) -> Readout:
    """The classifier of the network that a student began as, as its readout.

    The network has to end in one linear map of `pre_logits`, such as EfficientNet's or MobileNetV2's; that is verified on a picture. It
    scores the classes of its own training, and was not trained again after the student learnt.

    Args:
        student: Whose network.
        stimuli: Any pictures; one is shown.
        classes: What each column stands for; None: its number.

    Raises:
        InputError: The network does not end so.
        ShapeError: There are not as many classes as the classifier has columns.
    """
    model = as_student_model(student)
    module: Any = model.module
    width = module.triplet_head.in_features
    linear = [each for each in module.network.modules() if isinstance(each, torch.nn.Linear) and each.in_features == width]
    with torch.no_grad():
        pictures = model.prepare([stimuli[0]]).to(model.device)
        scores = module.network(pictures)
        rows = module.pre_logits(pictures)
        if not linear or not isinstance(scores, torch.Tensor) or not _equal(linear[-1](rows), scores):
            raise InputError(
                f"the network of {model.name} does not end in one linear map of what its layer {module.layer!r} holds, so that it has no "
                "classifier to keep; fit_readout fits one."
            )
    names = tuple(map(str, range(linear[-1].out_features))) if classes is None else tuple(classes)
    if len(names) != linear[-1].out_features:
        raise ShapeError(f"the classifier of {model.name} has {linear[-1].out_features:,} columns, but {len(names):,} classes are named.")
    readout = Readout(width, names, kind="classifier", how=f"of {model.card.architecture or 'the network'} as it was")
    with torch.no_grad():
        readout.linear.weight.copy_(linear[-1].weight)
        readout.linear.bias.copy_(torch.zeros(len(names)) if linear[-1].bias is None else linear[-1].bias)
    return readout


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool((one - other).abs().max() <= _SAME * other.abs().max())
