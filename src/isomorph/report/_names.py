"""Names as a report prints them: short where that is clear, and safe as parts of file names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_MEASURES = {
    "rsa-pearson": ("r", "Pearson correlation"),
    "rsa-spearman": ("ρ", "Spearman rank correlation"),
    "rsa-cosine": ("cos", "cosine similarity"),
    "rsa-tau-a": ("τ-a", "Kendall's τ-a"),
    "rsa-rho-a": ("ρ-a", "Spearman's ρ-a (random ties)"),
}


def measure_symbol(measure: str) -> str:
    """The letter of a comparison: `"rsa-pearson"` is `"r"`."""
    return _MEASURES.get(measure, (measure, measure))[0]


def measure_words(measure: str) -> str:
    """A comparison in words."""
    return _MEASURES.get(measure, (measure, measure))[1]


def printable(text: str) -> str:
    """`text` without control characters, which no XML and no PDF may hold."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def short_labels(names: Sequence[str]) -> dict[str, str]:
    """The shortest clear form of each `source/architecture.tag`: no source and no tag where those make no difference."""

    def forms(name: str) -> tuple[str, str, str]:
        bare = name.partition("/")[2] or name
        return bare.partition(".")[0] or bare, bare, name

    names, labels = list(dict.fromkeys(names)), {}
    for level in range(3):
        counts = Counter(forms(name)[level] for name in names)
        for name in names:
            if name not in labels and (counts[forms(name)[level]] == 1 or level == 2):
                labels[name] = printable(forms(name)[level])
    return labels


def slugs(names: Sequence[str]) -> dict[str, str]:
    """For each name a different, harmless part of a file name or HTML id."""
    taken: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:48] or "unnamed"
        slug, count = plain, 1
        while slug in taken.values():
            count += 1
            slug = f"{plain}-{count}"
        taken[name] = slug
    return taken
