"""Sentences that must travel with the numbers."""

from __future__ import annotations

from isomorph.consistency._set_pair import Found
from isomorph.consistency._similarities import Similarities


def study_notes(similarities: Similarities, by: str | None) -> list[str]:
    """What a reader must know of the whole analysis."""
    notes = []
    if by is not None:
        unknown = int(similarities.table[by].isna().sum())
        if unknown:
            notes.append(f"{unknown} of {len(similarities.models)} models have no value in {by!r} and are in no set but 'all models'.")
    if similarities.standard_errors is None:
        notes.append("No standard errors of the similarities are known, so nothing is disattenuated: sampling error lowers consistency.")
    if similarities.widths is None:
        notes.append("No feature widths are known, so nothing is said of what they explain; widths are the same on every data set.")
    if similarities.n is None:
        notes.append("The numbers of stimuli are not known; similarities from few stimuli are less certain.")
    elif max(similarities.n) > 2 * min(similarities.n):
        least, most = (similarities.datasets[similarities.n.index(choose(similarities.n))] for choose in (min, max))
        notes.append(
            f"Data sets differ in their numbers of stimuli, from {min(similarities.n):,} ({least}) to {max(similarities.n):,} ({most}): "
            "consistency with the smallest is lowered most by sampling error."
        )
    return notes


def cell_notes(names: dict[str, str], found: Found, similarities: Similarities, minimum: int) -> list[str]:
    """What a reader must know of one pair of sets by one measure."""
    where = f"{names['set_a']!r} with {names['set_b']!r} ({names['measure']})"
    notes = []
    if found.small:
        notes.append(f"{where}: {found.small} pairs of data sets have fewer than {minimum} pairs of models that both have, and no number.")
    for d in sorted(set(found.constant)):
        notes.append(f"{where}: all similarities on {similarities.datasets[d]!r} are equal, so its correlations are not defined.")
    return notes
