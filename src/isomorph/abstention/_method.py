"""What every method shares: what it reads, whether it learns, and a score that is higher where it should abstain."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from isomorph.abstention._values import Floats, Reads
from isomorph.errors import InputError


class Scorer(Protocol):
    """What can say how much it should abstain."""

    def score(self, values: Any, /) -> Floats:
        """`[item]` float64; higher means abstain."""


class AbstentionMethod:
    """A frozen keyword-only dataclass whose fields are its options.

    `method.fit(training).score(test)` works for every method: one that learns returns a frozen fitted value, one that learns nothing
    returns itself.

    Attributes:
        reads: What `fit` and `score` take: `"logits"` `[item, class]`, `"passes"` `[pass, item, class]` or `"features"`
            `[item, feature]`.
        learns: Whether it must be fitted.
    """

    reads: ClassVar[Reads]
    learns: ClassVar[bool] = False

    def fit(self, values: Any, /, labels: Any = None) -> Scorer:
        """This method, which learns nothing."""
        return self

    def score(self, values: Any, /) -> Floats:
        """`[item]` float64; higher means abstain."""
        name = type(self).__name__
        raise InputError(f"this {name} has learned nothing yet. Score with what {name}(…).fit({self.reads}, labels) returns.")
