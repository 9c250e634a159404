"""What the numbers say, in sentences that may be quoted."""

from __future__ import annotations

from collections.abc import Sequence

from isomorph.report._question import Answer, LayerScore, Question


def number(value: float) -> str:
    """Two decimals, with a minus sign that is one and no negative zero."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text.replace("-", "−")


def with_interval(score: LayerScore) -> str:
    """`"0.44 [0.38, 0.50]"`."""
    if score.low is None or score.high is None:
        return number(score.value)
    return f"{number(score.value)} [{number(score.low)}, {number(score.high)}]"


def p_value(p: float | None) -> str:
    """Three decimals; what is smaller says so."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def headline(question: Question) -> str:
    """Who is closest, how close, and how close people are to one another."""
    first = question.answers[0]
    score = f"{question.symbol} = {with_interval(first.best)}"
    if len(question.answers) == 1:
        start = f"{first.label} (layer {first.best.layer}) matches {question.target.name} at {score}"
    else:
        start = f"Of {_counted(question.answers)}, {first.label} (layer {first.best.layer}) is closest to {question.target.name}: {score}"
    return f"{start}; {_ceiling(question, *question.ceiling)}." if question.ceiling else f"{start}."


def caveats(question: Question) -> list[str]:
    """What the headline alone might hide: chance, ties, the ceiling, the choice of layers."""
    first, *others = question.answers
    said = []
    if first.best.low is not None and first.best.low <= 0:
        said.append(f"The interval of {first.label} includes 0: no model clearly resembles {question.target.name}.")
    if first.control and any(not each.control for each in others):
        said.append(f"{first.label} is a control, not a trained model: here training did not bring a model closer.")
    said += _ties(first, others)
    for each in (each for each in question.answers if each.seen):
        said.append(f"{each.label} (seen) was fitted to people’s judgments of stimuli shown here: its value is not a held-out score.")
    if question.ceiling and first.best.high is not None:
        lower = question.ceiling[0]
        if first.best.low is not None and first.best.value >= lower:
            said.append("It reaches the lower noise ceiling: on these data it is as close as one subject is to the others.")
        elif first.best.high < lower:
            said.append("Its whole interval lies below the noise ceiling: something the subjects share is missing.")
        else:
            said.append("It stays below the noise ceiling, but its interval reaches it.")
    if not question.ceiling:
        said.append(_no_ceiling(question.target.note.strip() or "the target has a single subject."))
    if any(len(each.layers) > 1 for each in question.answers):
        said.append("Each model’s layer was chosen on the same data that score it, so these values are slightly optimistic.")
    return said


def _counted(answers: Sequence[Answer]) -> str:
    controls = sum(each.control for each in answers)
    models = len(answers) - controls
    if not controls:
        return f"{models} models"
    if not models:
        return f"{controls} controls"
    return f"{models} model{'s' * (models != 1)} and {controls} control{'s' * (controls != 1)}"


def _ceiling(question: Question, lower: float, upper: float) -> str:
    who = {"behaviour": "people agree", "brain": "brains agree", "model": "the targets agree"}[question.target.kind]
    if question.target.kind == "brain" and "human" in question.target.name.lower():
        who = "people’s brains agree"
    return f"{who} with one another at {number(lower)}–{number(upper)} (noise ceiling)"


def _no_ceiling(why: str) -> str:
    sentence = f"{why[0].upper()}{why[1:]}" if "ceiling" in why else f"There is no noise ceiling: {why}"
    return sentence.rstrip(".") + "."


def _ties(first: Answer, others: Sequence[Answer]) -> list[str]:
    low = first.best.low
    if low is None or not others or any(each.best.high is None for each in others):
        return []
    near = [each for each in others if each.best.high is not None and each.best.high >= low]
    if not near:
        return [f"Its interval lies above that of every other model{' and control' if any(each.control for each in others) else ''}."]
    names = [each.label for each in near]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    if len(names) > 4:
        listed = f"{len(names)} others, among them {', '.join(names[:2])}"
    return [f"Its interval overlaps with {'that' if len(names) == 1 else 'those'} of {listed}: this ranking does not tell them apart."]
