"""Scores of logits and of several answers to an item."""

import numpy as np
import pytest
from scipy import special, stats

from isomorph.abstention import DeepEnsemble, Energy, MaxSoftmax, MCDropout, Odin

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(50, 7)) * 3
P = special.softmax(LOGITS, axis=1)
MEMBERS = RNG.normal(size=(3, 50, 7)) * 3
Q = special.softmax(MEMBERS, axis=2)


def test_entropy_is_scipys() -> None:
    np.testing.assert_allclose(MaxSoftmax().score(LOGITS), stats.entropy(P, axis=1), rtol=1e-12)


def test_a_sure_answer_scores_lower_than_a_flat_one() -> None:
    sure, flat = MaxSoftmax().score([[20.0, 0, 0, 0], [1.0, 1, 1, 1]])
    assert sure < 1e-6
    assert flat == pytest.approx(np.log(4))


def test_one_minus_max_tells_very_sure_answers_apart() -> None:
    method = MaxSoftmax(kind="one-minus-max")
    np.testing.assert_allclose(method.score(LOGITS), 1 - P.max(axis=1), atol=1e-15)
    np.testing.assert_allclose(method.score([[50.0, 0], [60.0, 0]]), np.exp([-50.0, -60.0]), rtol=1e-9)  # 1 - max is 0 for both


def test_probabilities_are_read_where_they_are_announced() -> None:
    np.testing.assert_allclose(MaxSoftmax(inputs="probabilities").score(P), MaxSoftmax().score(LOGITS), rtol=1e-9)


def test_energy_is_minus_the_logsumexp() -> None:
    np.testing.assert_allclose(Energy().score(LOGITS), -special.logsumexp(LOGITS, axis=1), rtol=1e-12)
    np.testing.assert_allclose(Energy(temperature=1e-3).score(LOGITS), -LOGITS.max(axis=1), rtol=1e-3)
    np.testing.assert_allclose(Energy(temperature=4).score(LOGITS + 5), Energy(temperature=4).score(LOGITS) - 5, rtol=1e-12)


def test_the_members_mean_is_what_counts() -> None:
    """VisAlign's evaluator takes the mean of the entropies: two sure members that disagree would score 0."""
    differ = [[[30.0, 0.0]], [[0.0, 30.0]]]
    assert DeepEnsemble().score(differ) == pytest.approx(np.log(2))
    assert DeepEnsemble(kind="mean-entropy").score(differ) < 1e-9
    np.testing.assert_allclose(DeepEnsemble().score(MEMBERS), stats.entropy(Q.mean(axis=0), axis=1), rtol=1e-12)
    np.testing.assert_allclose(DeepEnsemble().probabilities(MEMBERS), Q.mean(axis=0), rtol=1e-12)


def test_the_other_ways_to_join_members() -> None:
    def score(kind: str) -> np.ndarray:
        return DeepEnsemble(kind=kind).score(MEMBERS)

    np.testing.assert_allclose(score("mean-entropy"), stats.entropy(Q, axis=2).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(score("mutual-information"), score("entropy") - score("mean-entropy"), atol=1e-12)
    np.testing.assert_allclose(score("logit-mean-msp"), 1 - special.softmax(MEMBERS.mean(axis=0), axis=1).max(axis=1), atol=1e-14)


def test_passes_have_no_second_softmax() -> None:
    """VisAlign's program softmaxes the mean of the softmaxes, so that the surest answer of two keeps an entropy of 0.58."""
    sure = np.tile([[30.0, 0.0]], (5, 1, 1))
    assert MCDropout().score(sure)[0] < 1e-9
    second = MaxSoftmax().score(MCDropout().probabilities(sure) - 1)  # what the table of deviations says
    assert second[0] == pytest.approx(stats.entropy(special.softmax([1.0, 0.0])))


def test_passes_of_logits_and_of_probabilities_agree() -> None:
    np.testing.assert_allclose(MCDropout(inputs="probabilities").score(Q), MCDropout().score(MEMBERS), rtol=1e-9)
    mutual = MCDropout(kind="mutual-information")
    np.testing.assert_allclose(mutual.score(MEMBERS), DeepEnsemble(kind="mutual-information").score(MEMBERS), rtol=1e-12)
    assert mutual.score(np.stack([LOGITS, LOGITS])).max() < 1e-12


def test_odin_reads_logits_at_its_temperature() -> None:
    np.testing.assert_allclose(Odin(temperature=5.0).score(LOGITS), stats.entropy(special.softmax(LOGITS / 5, axis=1), axis=1), rtol=1e-12)


def test_odin_says_when_its_scores_hardly_move() -> None:
    with pytest.warns(UserWarning, match=r"differ by \S+ at most, around 1\.946: nearly constant at temperature 1000"):
        scores = Odin().score(LOGITS)
    order = np.argsort(LOGITS.var(axis=1))  # what the entropy is at high temperatures: ln C − Var(f) / 2T²
    assert stats.spearmanr(scores[order], -np.arange(50)).statistic > 0.99


@pytest.mark.filterwarnings("error")
def test_odin_is_silent_where_scores_move_or_there_is_one() -> None:
    Odin(kind="one-minus-max").score(LOGITS)
    Odin(temperature=10.0).score(LOGITS)
    Odin().score(LOGITS[:1])
