"""`isomorph extract --part 2/8`: a range of the rows of one extraction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isomorph.cli._output import print_facts, print_json, say
from isomorph.cli._parse import wrong_usage

if TYPE_CHECKING:
    from isomorph.engine import Part
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


def check_part(text: str, beside: Mapping[str, object]) -> Part:
    """The part, if nothing is asked for that only a whole extraction can give; else wrong usage."""
    from isomorph.engine import Part
    from isomorph.errors import InputError

    for option, value in beside.items():
        if value:
            wrong_usage(
                "extract", f"{option} needs the whole extraction, and --part makes a share of it: give it without --part at the end."
            )
    try:
        return Part.parse(text)
    except InputError as error:
        wrong_usage("extract", str(error))


def extract_part(model: Model, stimuli: Stimuli, part: Part, *, store: Store, options: Mapping[str, Any], json: bool) -> int | None:
    """Show the model the stimuli of one part; the same command without `--part` gathers what all parts left."""
    from isomorph.engine import Progress, StopRequested, StopSignals, run_plan
    from isomorph.models import extraction_ranges

    try:
        with StopSignals(), Progress(quiet=json) as progress:
            unit = extraction_ranges(model, stimuli, ranges=part.total, progress=progress, **options)[part.number - 1]
            done = run_plan([unit], store=store)
    except StopRequested as stop:
        say(f"part {part} was stopped by a signal. The batches that it finished are in the store; the same command goes on.")
        return stop.status
    left = store.open(unit.fingerprint).meta
    facts = {
        "part": str(part),
        "fingerprint": left["object"],
        "stimuli": len(stimuli),
        "batches": len(left["shards"]),
        "batch_size": left["batch_size"],
        "finished_before": bool(done.skipped),
    }
    print_json(facts) if json else print_facts(facts)
    if not left["shards"]:
        why = "are one batch" if left["mode"] == "one batch" else f"are batches of {left['batch_size']}, fewer than there are parts"
        say(f"part {part} is empty: the {len(stimuli):,} stimuli {why}. A smaller --batch-size makes more batches.")
    return None
