"""Class-balanced subsets that depend on nothing but their own data set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, overload

from isomorph.arrays import unique_ids
from isomorph.errors import FileError, InputError, ShapeError

Rule = Literal["exact", "original"]
_LARGEST_FILE = 1 << 30


@dataclass(frozen=True, repr=False)
class Subset(Sequence[str]):
    """The ids of a class-balanced subset, and what they were drawn from. It can stand wherever ids are asked for.

    Attributes:
        name: The data set's name, which the draw depends on.
        seed: The seed, which the draw depends on.
        rule: `"exact"` or `"original"`; see `balanced_subset`.
        requested: How many stimuli were asked for.
        available: How many there were.
        ids: Those drawn, in the order of the data set.
        counts: How many were drawn of each class.
    """

    name: str
    seed: int
    rule: Rule
    requested: int
    available: int
    ids: tuple[str, ...]
    counts: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether nothing was left out: the subset is the whole data set."""
        return len(self.ids) == self.available

    @property
    def balanced(self) -> bool:
        """Whether the classes differ by at most one stimulus."""
        return max(self.counts.values()) - min(self.counts.values()) <= 1

    @property
    def note(self) -> str:
        """One sentence: how many of how many, and whether that is what was asked for."""
        few, many = min(self.counts.values()), max(self.counts.values())
        each = f"{few}" if few == many else f"{few} to {many}"
        text = f"{self.name}: {len(self.ids):,} of {self.available:,} stimuli, {each} of each of {len(self.counts):,} classes"
        if self.complete:
            text += f": all there are ({self.requested:,} were asked for)"
        elif len(self.ids) != self.requested:
            text += f" ({self.requested:,} were asked for; the original rule rounds up per class)"
        return text + ("." if self.balanced else "; the classes are unequal, as some have too few.")

    def __repr__(self) -> str:
        return f"Subset({self.note} seed={self.seed})"

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self.ids[index]

    def save(self, path: Path | str) -> None:
        """Write the subset as JSON: name, seed, rule, requested, available, counts, ids.

        Raises:
            FileError: It cannot be written.
        """
        plain = {"kind": "isomorph subset", **{name: getattr(self, name) for name in self.__dataclass_fields__}}
        try:
            Path(path).write_text(json.dumps(plain, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error

    @classmethod
    def load(cls, path: Path | str) -> Subset:
        """Read what `save` wrote.

        Raises:
            FileError: The file cannot be read, or is no subset.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise FileError(f"{path} is larger than 1 GiB; a subset was expected.")
            plain = json.loads(path.read_text(encoding="utf-8"))
            if plain["kind"] != "isomorph subset" or plain["rule"] not in ("exact", "original"):
                raise ValueError("it is of another kind")
            counts = {str(label): int(count) for label, count in plain["counts"].items()}
            numbers = (int(plain["requested"]), int(plain["available"]))
            result = cls(str(plain["name"]), int(plain["seed"]), plain["rule"], *numbers, unique_ids(plain["ids"], name=str(path)), counts)
            if not counts or sum(counts.values()) != len(result.ids):
                raise ValueError("its counts and its ids disagree")
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise error if isinstance(error, FileError) else FileError(f"{path} is not a subset that Isomorph wrote: {error}.") from error
        return result


def balanced_subset(labels: Iterable[Any], ids: Sequence[str], size: int, *, name: str, seed: int = 0, rule: Rule = "exact") -> Subset:
    """Draw `size` stimuli without replacement, equally many of each class.

    A stimulus' rank within its class is the hash of `name`, `seed` and its id, and the lowest ranks are drawn. So the subset depends on
    nothing else: not on the other data sets of a study, nor on the order of the rows. A smaller subset lies within a larger one.

    With `"exact"` the total is `size` (or all there are): where a class has too few, the others give more; where `size` does not divide
    evenly, some classes (chosen by hash) give one more. With `"original"`, the rule of Ciernik et al. (2024), each class gives
    ceil(size / classes) or all it has, so that the total may be larger or smaller than `size`; a set of at most `size` is taken whole.

    Args:
        labels: The class of each stimulus: strings or whole numbers.
        ids: The stimuli.
        size: How many to draw.
        name: The data set's name; sets of different names are drawn independently.
        seed: Another seed, another draw.
        rule: `"exact"` or `"original"`.

    Returns:
        The ids, in the order given, with counts per class; `.note` says in a sentence what was drawn, `.complete` whether it is everything.

    Raises:
        ShapeError: There are not as many labels as ids.
        IdError: An id stands twice.
        InputError: `size` is below the number of classes, a label is missing, `name` is empty, or there is nothing to draw from.

    References:
        Ciernik et al., 2024, <https://arxiv.org/abs/2411.05561>.

    Example:
        >>> subset = balanced_subset("aaaabbc", "1234567", 5, name="letters")
        >>> len(subset), subset.counts
        (5, {'a': 2, 'b': 2, 'c': 1})
    """
    names, classes = unique_ids(ids, name=f"the data set {name!r}"), _as_classes(labels, name)
    if len(classes) != len(names):
        raise ShapeError(f"the data set {name!r} has {len(names)} ids but {len(classes)} labels.")
    if not name:
        raise InputError("a subset needs the data set's name: it decides the draw, so that one set never changes another. Pass name=….")
    if rule not in ("exact", "original"):
        raise InputError(f"rule must be 'exact' or 'original'; got {rule!r}.")
    if not names:
        raise InputError(f"the data set {name!r} is empty: there is nothing to draw from.")
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(classes):
        rows.setdefault(label, []).append(row)
    if size < len(rows):
        raise InputError(f"{size} stimuli cannot cover the {len(rows)} classes of {name!r}; ask for at least {len(rows)}.")
    quotas = (_exact if rule == "exact" else _original)({label: len(of) for label, of in rows.items()}, size, name, seed)
    chosen = [row for label, of in rows.items() for row in _lowest(of, names, quotas[label], name, seed)]
    kept, counts = tuple(names[row] for row in sorted(chosen)), {label: quotas[label] for label in sorted(rows)}
    return Subset(name, seed, rule, size, len(names), kept, counts)


def _as_classes(labels: Iterable[Any], name: str) -> list[str]:
    result = []
    for row, label in enumerate(labels):
        if label is None or label != label:  # noqa: PLR0124 - NaN alone differs from itself
            raise InputError(f"the data set {name!r} has no label in row {row}; leave it out, or give it a class of its own.")
        result.append(str(label))
    return result


def _hash(*parts: object) -> bytes:
    return hashlib.sha256("\0".join(map(str, parts)).encode()).digest()


def _lowest(rows: list[int], ids: tuple[str, ...], count: int, name: str, seed: int) -> list[int]:
    return rows if count == len(rows) else sorted(rows, key=lambda row: _hash(name, seed, "stimulus", ids[row]))[:count]


def _original(sizes: dict[str, int], size: int, name: str, seed: int) -> dict[str, int]:
    if sum(sizes.values()) <= size:
        return sizes
    return {label: min(count, -(-size // len(sizes))) for label, count in sizes.items()}


def _exact(sizes: dict[str, int], size: int, name: str, seed: int) -> dict[str, int]:
    """Raise one level for all classes until `size` are drawn; a class that has no more stays behind."""
    left, level, open_classes = min(size, sum(sizes.values())), 0, sorted(sizes, key=lambda label: _hash(name, seed, "class", label))
    quotas = dict.fromkeys(sizes, 0)
    while left:
        step = min(min(sizes[label] for label in open_classes) - level, left // len(open_classes))
        if step == 0:  # fewer are left than classes are open
            for label in open_classes[:left]:
                quotas[label] += 1
            break
        for label in open_classes:
            quotas[label] += step
        level, left = level + step, left - step * len(open_classes)
        open_classes = [label for label in open_classes if sizes[label] > level]
    return quotas
