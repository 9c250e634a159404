"""What the answers of models and people say, in sentences that may be quoted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isomorph.report._perception_scores import Scores
    from isomorph.report._perception_view import PerceptionView

CITATIONS = (
    "Geirhos, R. et al. (2021). Partial success in closing the gap between human and machine vision. NeurIPS, arXiv:2106.07411.",
    "Geirhos, R., Meding, K. & Wichmann, F. A. (2020). Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans by "
    "measuring error consistency. NeurIPS, arXiv:2006.16736.",
    "Lee, J. et al. (2023). VisAlign: dataset for measuring the degree of alignment between AI and humans in visual perception. "
    "arXiv:2308.01525.",
)


def headline(scores: Scores) -> str:
    """Who errs most like people, and what people reach among themselves."""
    people = scores.score("humans", "error_consistency")
    best = next((each for each in scores.models if scores.score(each, "error_consistency")), None)
    n = f"{(people or {}).get('n', 0):,} images"
    if best is None or people is None:
        bias = scores.score("humans", "shape_bias")
        return (
            f"People name the shape in {bias['value']:.0%} of their answers." if bias else "People's answers, without a model beside them."
        )
    ours, several = scores.score(best, "error_consistency"), len(scores.datasets) > 1
    return (
        f"On {n} of {len(scores.datasets)} data set{'s' if several else ''} {scores.labels[best]} comes closest to erring where people "
        f"err, with κ = {_with_ends(ours)}; people among themselves reach {_with_ends(people)}."
    )


def caveats(scores: Scores) -> list[str]:
    """What the headline alone might hide."""
    return list(_caveats(scores))


def _caveats(scores: Scores) -> Iterator[str]:
    biases = {each: score for each in scores.models if (score := scores.score(each, "shape_bias")) and score["value"] is not None}
    people = scores.score("humans", "shape_bias")
    if biases and people and people["value"] is not None:
        top = max(biases, key=lambda each: biases[each]["value"])
        yield (
            f"Where shape and texture conflict, people name the shape in {people['value']:.0%} of the answers that name either; the most "
            f"that a model reaches is {biases[top]['value']:.0%} ({scores.labels[top]})."
        )
    kappas = [score for each in scores.models if (score := scores.score(each, "error_consistency"))]
    if len(kappas) > 1 and None not in (kappas[0]["low"], kappas[1]["high"]) and kappas[0]["low"] < kappas[1]["high"]:
        yield "The intervals of the first two models overlap: their order may be chance."
    accuracies = [score["value"] for each in scores.models if (score := scores.score(each, "ood_accuracy")) and score["value"] is not None]
    own = scores.score("humans", "ood_accuracy")
    if accuracies and own and max(accuracies) < own["value"]:
        yield f"No model is right as often as people ({max(accuracies):.0%} at most, people {own['value']:.0%})."


def procedure(view: PerceptionView) -> list[str]:
    """How the numbers were made."""
    trials, results = view.results.joined.trials, view.results
    people = [len(trials.take(datasets=[each]).humans) for each in view.datasets]
    drawn = {"error_consistency", "shape_bias", "reliability"} | ({"hellinger"} if any(results.joined.answers.values()) else set())
    return [
        f"{' to '.join(map(str, dict.fromkeys([min(people), max(people)])))} people a data set and {len(trials.models)} models answered "
        "the same images, with one of the same categories or not at all.",
        *explained(results.level, drawn),
    ]


def explained(level: float, measures: Collection[str]) -> list[str]:
    """What the measures are, whoever answered."""
    said = {
        "error_consistency": "Error consistency κ = (o − e) / (1 − e): o is the share of images on which two observers are both right or "
        "both wrong, e what two observers of their accuracies who err independently would reach. 0 is chance, 1 the same errors. A model’s "
        "κ is the mean over people; people’s own is the mean over their pairs.",
        "": f"Intervals cover {level:.0%}: a bootstrap over images within conditions. Where people’s κ is drawn as a band, it is that "
        "interval, and each small dot is one person against the others.",
        "shape_bias": "Shape bias is the share of shape among the answers that name the shape or the texture of a cue-conflict image.",
        "reliability": "The reliability score is R − cW per image: R right answers, W wrong ones, none for no answer. “Over half sure”: "
        "the model answers where its best category has more than half of the probability.",
        "hellinger": "Distances (Hellinger, Jensen–Shannon, total variation, cross-entropy, Brier, calibration error) are between a "
        "model’s probabilities and the shares of people’s votes, on images that somebody answered; people’s row is the distance between "
        "two halves of them. AURC: mean error when the least sure answers are left out first, over all coverages. 1,000 classes become "
        "sixteen categories by the mean of their members’ probabilities.",
    }
    return [sentence for measure, sentence in said.items() if not measure or measure in measures]


def _with_ends(score: Any) -> str:
    ends = "" if score["low"] is None else f" [{score['low']:.2f}, {score['high']:.2f}]"
    return f"{score['value']:.2f}{ends}"
