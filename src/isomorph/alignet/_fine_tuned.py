"""What fine-tuning returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isomorph.alignet._student import Student
    from isomorph.models import Model


@dataclass(frozen=True, eq=False, kw_only=True)
class FineTuned:
    """A student that has learnt.

    Attributes:
        model: It as a model: layers `output[pre_logits]`, `output[triplet_logits]` and those of its network behind `network.`.
        student: Its module.
        history: One entry a step: `step`, `loss`, `agreement` (share of the batch's triplets where the student picks the teacher's pair),
            `rate`, `gradient_norm`; where it was validated also `validation`, name → `{"loss", "agreement", "triplets"}`. Steps whose
            lines in `log.jsonl` were lost are missing.
        folder: Where checkpoints and log lie.
        checkpoint: The last one.
        skipped: Pictures that could not be read.
        notes: What people should know, in sentences.
    """

    model: Model
    student: Student
    history: Sequence[Mapping[str, Any]]
    folder: Path
    checkpoint: Path
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """From how many updates it has learnt."""
        return int(self.checkpoint.stem.rpartition("-")[2])

    @property
    def validation(self) -> dict[str, dict[str, float]]:
        """The last look at each validation set."""
        looked = [entry["validation"] for entry in self.history if "validation" in entry]
        return dict(looked[-1]) if looked else {}

    def __str__(self) -> str:
        taught = f"{self.model.name}, {self.steps:,} steps"
        if not self.history:
            return f"{taught}; its log is lost"
        last = self.history[-1]
        looks = "".join(f"; {name}: {each['agreement']:.1%}" for name, each in self.validation.items())
        return f"{taught}: loss {last['loss']:.4f}, agreement with the teacher {last['agreement']:.1%}{looks}"

    __repr__ = __str__
