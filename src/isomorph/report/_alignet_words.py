"""What an AligNet study says, in sentences that may be quoted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from isomorph.report._alignet_view import CONTROL, STUDENT, TEACHER, difference, is_share, value

if TYPE_CHECKING:
    from isomorph.report._alignet_view import AlignetView, Row

CITATIONS = (
    "Muttenthaler, L. et al. (2025). Aligning machine and human visual representations across abstraction levels. arXiv:2409.06509.",
    "Muttenthaler, L. et al. (2023). Improving neural network representations using human similarity judgments. arXiv:2306.04507.",
)


def headline(view: AlignetView) -> str:
    """What the student gained, what the control did, and what it cost."""
    n = len(view.outcome.held_out)
    parts = []
    if row := view.row(TEACHER):
        told = f"{row['after']:.0%} of triplets, {row['before']:.0%} before ({_gain(row)})"
        parts.append(f"On {n:,} held-out pictures the student picks the aligned teacher’s odd one out in {told}")
    for question in view.of_people[:1]:
        row, other = view.row(question), view.row(question, CONTROL)
        if row:
            before, after = (value(row, when, decimals=0) for when in ("before", "after"))
            verb = {"better": "rises", "worse": "falls"}.get(str(row["change"]))
            said = f"{verb} from {before} to {after}" if verb else f"shows no clear change, {after} after {before}"
            parts.append(f"agreement with people {said} ({_gain(row)})" + (f", the control’s moves by {_gain(other)}" if other else ""))
    for question in view.of_neighbours[:1]:
        if row := view.row(question):
            parts.append(f"it keeps {row['after']:.0%} of its {question.partition('@')[2]} nearest neighbours")
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


def caveats(view: AlignetView) -> list[str]:
    """What the headline alone might hide."""
    said = []
    row = view.row(TEACHER)
    if row is not None and row["change"] != "better":
        said.append(
            "The student’s agreement with the teacher on held-out pictures does not clearly rise: it has not learnt what it was taught."
        )
    if not view.of_people:
        said.append("No person’s judgments were asked for here: coming closer to the teacher is not yet coming closer to people.")
    said += [each for question in view.of_people for each in _of_people(view, question)]
    if CONTROL not in view.students:
        said.append('Without a control (control = "beside") what the map towards people adds cannot be told from what fine-tuning adds.')
    return said + list(_seen(view))


def _seen(view: AlignetView) -> Iterator[str]:
    """What is no held-out score, or cannot be known to be one."""
    questions: dict[str, list[str]] = {}
    for question in view.questions:
        row = view.row(question)
        if row is not None and row["seen"] != "unseen":
            questions.setdefault(str(row["seen"]), []).append(question)
    for seen, names in questions.items():
        if seen == "not known":
            yield "Which pictures the teacher’s map was fitted to is not known: its file does not say."
        else:
            yield f"{', '.join(names)}: {seen}, so that these are no held-out scores."


def _of_people(view: AlignetView, question: str) -> list[str]:
    row, other = view.row(question), view.row(question, CONTROL)
    name = question.removeprefix("people (").removesuffix(")")
    said = []
    if row is not None and row["change"] == "worse":
        said.append(f"On {name} the student is further from people than before.")
    elif row is not None and row["change"] == "none shown":
        said.append(f"On {name} no change of the student’s agreement with people is shown: the interval includes 0.")
    if other is not None and other["change"] == "better":
        said.append(f"On {name} the control comes closer to people, too: fine-tuning on this teacher does part of it without the map.")
    return said


def procedure(view: AlignetView) -> list[str]:
    """How the numbers were made."""
    outcome, study = view.outcome, view.outcome.study
    options = outcome.check.options
    level = f"{100 * float(options.get('level', 0.95)):g}%"
    part, training = study.triplets, outcome.students[STUDENT]
    clusters = (
        f" in {part.clusters:,} clusters of {'mapped' if part.transformed else 'plain'} features" if "cluster" in part.sampling else ""
    )
    said = [
        f"{len(outcome.training) + len(outcome.held_out):,} pictures were split by name and seed: {len(outcome.training):,} to learn from, "
        f"{len(outcome.held_out):,} held out. The teacher’s map, the triplets and the students met the former alone.",
        f"{study.teacher.model} was the teacher. Its map towards people: {_map(view)}.",
        f"{part.train:,} triplets ({part.sampling}{clusters}) were labelled with the dot products of its mapped features. "
        f"{study.student.model} learnt from them for {training.steps:,} steps.",
        "Agreement is the share of triplets where the pair of largest cosine is the teacher’s, or people’s; before: of the network as it "
        "began, after: of what feeds the student’s head. A neighbour is kept where it is among the k nearest by cosine before and after.",
        f"Intervals cover {level} ({options.get('replicates', 0):,} bootstrap samples of pictures, the same before and after); those of "
        "differences are of paired differences.",
    ]
    if CONTROL in view.students:
        said.append(
            "The control (UnAligNet) learnt from the same triplets, labelled by the same teacher without its map, with the same options."
        )
    return said


def _map(view: AlignetView) -> str:
    teacher, transform = view.outcome.study.teacher, view.outcome.transform
    source = f"fitted to {teacher.judgments}" if teacher.judgments else f"read from {teacher.transform.name}" if teacher.transform else ""
    return f"{transform.method}, {source}"


def _gain(row: Row) -> str:
    by, ends = difference(row, decimals=0)
    return " ".join(filter(None, (by, "points" if is_share(row) else "", ends)))
