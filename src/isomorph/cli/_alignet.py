"""`isomorph alignet`: from pictures to an aligned student."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call_action

if TYPE_CHECKING:
    from isomorph.alignet import AlignetStudy
    from isomorph.store import Store


def run(words: list[str]) -> int | None:
    """Dispatch on the action."""
    return call_action({"run": run_study, "demo": demo}, words, command="alignet")


def run_study(study: Annotated[Path, tyro.conf.Positional], *, figures: bool = True, store: StoreFolder = None, json: bool = False) -> None:
    """Run a study: teacher, triplets, student, evaluation, export; what is finished is not done again.

    Args:
        study: A TOML file: pictures, teacher, triplets, student, evaluation, held_out, export, seed, out …
        figures: Write figures for papers beside the page (needs matplotlib).
        store: The store's folder; default: the study's, else $ISOMORPH_STORE.
        json: One JSON object: name, out, report, training, held_out, students, check, exports, notes.
    """
    from isomorph.alignet import AlignetStudy
    from isomorph.store import open_store

    asked = AlignetStudy.load(study)
    _answer(asked, open_store(store or asked.store), (), figures=figures, json=json)


def demo(*, out: Path = Path("isomorph-demo-alignet"), figures: bool = True, store: StoreFolder = None, json: bool = False) -> None:
    """EfficientNet-Lite0 learns from EfficientNet-Lite2, whose map 16 people's judgments made; with a control and held-out pictures.

    Args:
        out: The folder of triplets, checkpoints, exports and the report.
        figures: Write figures for papers beside the page (needs matplotlib).
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: name, out, report, training, held_out, students, check, exports, notes.
    """
    from isomorph.alignet import demo_study
    from isomorph.engine import Progress
    from isomorph.store import open_store

    kept = open_store(store)
    with Progress(quiet=json) as progress:
        asked, notes = demo_study(out, kept, progress=progress)
    _answer(asked, kept, notes, figures=figures, json=json)


def _answer(study: AlignetStudy, store: Store, notes: tuple[str, ...], *, figures: bool, json: bool) -> None:
    from isomorph.engine import Progress
    from isomorph.report import alignet_report
    from isomorph.report._palette import check_matplotlib

    if figures:
        check_matplotlib()
    with Progress(quiet=json) as progress:
        outcome = study.run(store, progress=progress)
        page = alignet_report(outcome, notes=notes).save(study.out / "report", figures=figures)
    remarks = [*notes, *outcome.notes]
    rows: list[dict[str, Any]] = [dict(each) for each in outcome.check.rows]
    if json:
        print_json(
            {
                "name": study.name,
                "out": study.out,
                "report": page,
                "training": len(outcome.training),
                "held_out": len(outcome.held_out),
                "students": {name: str(each) for name, each in outcome.students.items()},
                "check": rows,
                "exports": outcome.exports,
                "notes": remarks,
            }
        )
        return
    print_table(
        [{**row, "student": row["transform"]} for row in rows],
        ["student", "question", "before", "after", "difference", "low", "high", "change", "n", "unit"],
    )
    for each in [*remarks, *(str(path) for path in outcome.exports)]:
        say(each)
    say(f"report: {page}")
