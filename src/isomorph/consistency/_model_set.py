"""Sets of models by rules over their metadata."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas

Patterns = str | tuple[str, ...]
_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_ORDER = re.compile(r"(<=|>=|<|>)\s*([-+0-9.eE_]+)")


@dataclass(frozen=True)
class ModelSet:
    """Models chosen by what is known of them.

    A pattern is a shell pattern (`dino*`, `ViT-[BL]*`) met by the text of a value, or an order (`>=400e6`) met by a number. The
    column `model` is the model's name. All columns of `include` must match, by any of their patterns (no `include`: every model);
    then whatever matches any pattern of `exclude` goes; then `rules` are followed in their order.

    Attributes:
        name: What tables and figures call the set.
        include: Column → pattern or patterns.
        exclude: Column → pattern or patterns.
        rules: `"+column=pattern"` adds models, `"-column=pattern"` removes them, one after another. With no `include` and a first
            rule that adds, the set begins empty.

    Raises:
        InputError: A rule does not read so.

    Example:
        >>> import pandas
        >>> table = pandas.DataFrame({"objective": ["SSL", "SSL", "Sup"]}, index=["dino", "mae-b", "vgg"])
        >>> ModelSet("SSL without MAE", include={"objective": "SSL"}, exclude={"model": "mae*"}).members(table)
        ('dino',)
        >>> ModelSet("ordered", rules=("+objective=SSL", "-model=mae*", "+model=vgg")).members(table)
        ('dino', 'vgg')
    """

    name: str
    include: Mapping[str, Patterns] = field(default_factory=dict)
    exclude: Mapping[str, Patterns] = field(default_factory=dict)
    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for rule in self.rules:
            _parts(rule, self.name)

    def members(self, metadata: pandas.DataFrame) -> tuple[str, ...]:
        """The models of the set, in the order of `metadata`, whose index names them.

        Raises:
            UnknownNameError: A rule names a column that is not there.
            InputError: No model is left.
        """
        begins_empty = not self.include and bool(self.rules) and self.rules[0].startswith("+")
        chosen = np.full(len(metadata), not begins_empty)
        for column, patterns in self.include.items():
            chosen &= _matches(metadata, column, patterns, self.name)
        for column, patterns in self.exclude.items():
            chosen &= ~_matches(metadata, column, patterns, self.name)
        for rule in self.rules:
            sign, column, pattern = _parts(rule, self.name)
            met = _matches(metadata, column, pattern, self.name)
            chosen = chosen | met if sign == "+" else chosen & ~met
        if not chosen.any():
            raise InputError(f"no model of {len(metadata)} is in the set {self.name!r}: {self._sentence()}. Check the patterns.")
        return tuple(str(name) for name in metadata.index[chosen])

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the rules are about."""
        return frozenset((*self.include, *self.exclude, *(_parts(rule, self.name)[1] for rule in self.rules)))

    @staticmethod
    def of(*models: str, name: str | None = None) -> ModelSet:
        """The set of exactly these models, by name; of one model it is the anchor of its similarities to others."""
        literal = tuple(_literal(each) for each in models)
        return ModelSet(name or ", ".join(models), include={"model": literal})

    @staticmethod
    def by(metadata: pandas.DataFrame, column: str) -> tuple[ModelSet, ...]:
        """One set for each value of a column, in alphabetical order; models without a value are in none."""
        if column != "model" and column not in metadata.columns:
            raise UnknownNameError("metadata column", column, ["model", *map(str, metadata.columns)])
        values = _column(metadata, column, column)
        known = sorted({str(each) for each in values if not _absent(each)})
        if not known:
            raise InputError(f"no model has a value in the column {column!r}, so it makes no sets of models.")
        return tuple(ModelSet(each, include={column: _literal(each)}) for each in known)

    def _sentence(self) -> str:
        said = [f"include {dict(self.include)}"] if self.include else []
        said += [f"exclude {dict(self.exclude)}"] if self.exclude else []
        said += [f"rules {', '.join(self.rules)}"] if self.rules else []
        return "; ".join(said) or "it has no rules"


def _parts(rule: str, name: str) -> tuple[str, str, str]:
    column, sign, pattern = rule[1:].partition("=")
    if rule[:1] not in ("+", "-") or not sign or not column or not pattern:
        raise InputError(f"the set {name!r} has the rule {rule!r}; rules read '+column=pattern' or '-column=pattern'.")
    return rule[0], column.strip(), pattern.strip()


def _matches(metadata: pandas.DataFrame, column: str, patterns: Patterns, name: str) -> npt.NDArray[np.bool_]:
    values = _column(metadata, column, name)
    wanted = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    return np.array([any(_meets(value, pattern) for pattern in wanted) for value in values], dtype=bool)


def _meets(value: Any, pattern: str) -> bool:
    order = _ORDER.fullmatch(pattern.strip())
    if _absent(value):
        return False
    if order is None or not isinstance(value, int | float | np.number):
        return fnmatchcase(str(value), pattern)
    return bool(_ORDERS[order[1]](float(value), float(order[2])))


def _column(metadata: pandas.DataFrame, column: str, name: str) -> list[Any]:
    if column == "model":
        return [str(each) for each in metadata.index]
    if column not in metadata.columns:
        raise InputError(f"the set {name!r}: {UnknownNameError('metadata column', column, ['model', *map(str, metadata.columns)])}")
    return list(metadata[column])


def _absent(value: Any) -> bool:
    return value is None or str(value) in ("nan", "NaN", "<NA>", "NaT")


def _literal(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)
