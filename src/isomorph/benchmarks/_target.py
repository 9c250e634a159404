"""What a model is held against: the geometry of a brain, of people's judgments, or of another model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import ShapeError

TargetKind: TypeAlias = Literal["brain", "behaviour", "model"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """The dissimilarities that one system assigns to the benchmark's stimuli.

    Attributes:
        name: What answered, as tables and figures print it: `"human IT"`.
        kind: A brain, behaviour, or a model.
        rdms: `[subject, repeat, pair]`, condensed strict upper triangles, row by row, in the order of the benchmark's stimuli.
        subjects: One name a subject.
        citation: The paper to cite.
        note: Why there is a single subject and thus no noise ceiling, or what else a reader of the score must know.

    Raises:
        ShapeError: `rdms` has not three axes, or as many subjects as `subjects`.
        NonFiniteError: A dissimilarity is NaN or infinite.
    """

    name: str
    kind: TargetKind
    rdms: npt.NDArray[np.float64]
    subjects: tuple[str, ...]
    citation: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        name = f"the target {self.name!r}"
        rdms = as_floats(self.rdms, name=f"{name} (with the axes [subject, repeat, pair])", ndim=3).astype(np.float64)
        if len(rdms) != len(self.subjects) or not rdms.size:
            raise ShapeError(f"{name} has RDMs of {len(rdms)} subjects, but {len(self.subjects)} subjects' names.")
        check_finite(rdms, name=name, ids=self.subjects, rows="subjects")
        object.__setattr__(self, "rdms", rdms)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """`[pair]`: the average over repeats, then subjects."""
        return np.asarray(self.rdms.mean(axis=1).mean(axis=0), dtype=np.float64)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the name and the numbers."""
        digest = hashlib.sha256(f"{self.name}\n{self.rdms.shape}\n".encode())
        digest.update(np.ascontiguousarray(self.rdms).tobytes())
        return digest.hexdigest()
