"""What the answers to a VisAlign set say, in sentences that may be quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isomorph.report._perception_visalign_view import VisalignView


def visalign_headline(view: VisalignView) -> str:
    """Who is closest to people, and what people reach among themselves."""
    where = f"On {len(view.people)} pictures of {len(view.categories)} categor{'ies' if len(view.categories) > 1 else 'y'}"
    if not view.models:
        return f"{where} people answered, and no model beside them."
    best = view.score(view.models[0], "hellinger")
    ends = "" if best is None or best["low"] is None else f" [{best['low']:.2f}, {best['high']:.2f}]"
    value = 0.0 if best is None else best["value"]
    network, _, method = view.models[0].rpartition("/")
    name = f"{network} with {method}" if network else method
    start = f"{where} {name} comes closest to people, at a mean Hellinger distance of {value:.2f}{ends}"
    people = view.score("humans", "hellinger")
    return f"{start}; two halves of the people are {people['value']:.2f} apart." if people else f"{start}."


def visalign_caveats(view: VisalignView) -> list[str]:
    """What the headline alone might hide."""
    return list(_caveats(view))


def _caveats(view: VisalignView) -> Iterator[str]:
    if len(view.models) > 1:
        first, second = (view.score(each, "hellinger") for each in view.models[:2])
        if first and second and None not in (first["high"], second["low"]) and first["high"] > second["low"]:
            yield f"The intervals of {view.labels[view.models[0]]} and {view.labels[view.models[1]]} overlap: their order may be chance."
    costs = [each for each in view.results.benchmark.costs if each > 0]
    behind = [c for c in costs if all((view.score(each, f"rs_{c:g}") or {}).get("value", 0.0) < view.silent for each in view.models)]
    if behind and view.models:
        yield (
            f"Where a wrong answer costs {behind[0]:g} right ones or more, no model is worth as much as one that always abstains "
            f"(which has {view.silent})."
        )
    if view.people.counts is None:
        yield "The labels are shares without votes, so that what people reach among themselves is unknown."


def visalign_procedure(view: VisalignView) -> list[str]:
    """How the numbers were made."""
    results = view.results
    seeds = sorted({each["seeds"] for each in results.rows if each.get("seeds")})
    said = [
        "Each picture has a distribution over the classes and abstaining: people’s, and each model’s. Categories 1 to 3 are to be "
        "answered, 4 to 7 not, and in category 8 people are unsure. Hellinger’s distance ‖√p − √q‖₂ / √2 is averaged within a category; "
        "“mean over categories” gives each the same weight.",
        f"Intervals cover {results.level:.0%}: a bootstrap over pictures"
        + (f" of the mean over {' or '.join(map(str, seeds))} seeds." if seeds and max(seeds) > 1 else "."),
        "The reliability score RS = R − cW counts right decisions R and wrong answers W; the most probable outcome decides, and a tie "
        "abstains. Right is the class (also in category 8) or, in categories 4 to 7, to abstain; a harmless abstention counts nothing. The "
        "entries for category 8 are a reading: no public code defines them.",
        "AURC and AUGRC are the areas under the risk–coverage curve and its generalisation, where pictures with a high probability of "
        "abstaining go unanswered first and risk is the share of people who answer otherwise.",
    ]
    if view.results.benchmark.data.labelled_by_people:
        said.append("People’s reliability is what one of them would be expected to have, drawn anew for each picture.")
    return said
