"""What flexible models, folds, tests and groups say when something is wrong; each text is pinned whole."""

import numpy as np
import pytest

from isomorph.errors import InputError
from isomorph.inference import InterpolatedModel, SelectModel, WeightedModel, rsa_scores

RNG = np.random.default_rng(0)
N = 8
COMPONENTS, PEOPLE = RNG.random((3, 28)), RNG.random((4, 28))
FLAT = COMPONENTS.copy()
FLAT[1] = 2.0
CATEGORY = np.not_equal.outer(np.arange(N) < 2, np.arange(N) < 2)[np.triu_indices(N, 1)].astype(float)


def scores(models=COMPONENTS, subjects=PEOPLE, **options):
    return rsa_scores(models, subjects, **{"n": N, "replicates": 0} | options)


CASES = {
    "WeightedModel 'layers' has something to fit from 2 RDMs on; got 1. Pass a single RDM as a row of models.": lambda: WeightedModel(
        COMPONENTS[:1], "layers"
    ),
    "SelectModel: RDM number 1 has the same distance between all its stimuli. Leave it out.": lambda: SelectModel(FLAT),
    "InterpolatedModel has 1 values that are NaN or infinite, in 1 of 3 RDMs; the first is row 0.": lambda: InterpolatedModel(
        np.where(np.equal(COMPONENTS, COMPONENTS[0, 0]), np.nan, COMPONENTS)
    ),
    "models are RDMs of the same stimuli, but they have 10 and 28 pairs.": lambda: scores([SelectModel(COMPONENTS), np.ones(10)]),
    "8 stimuli make 28 pairs, but models have 10.": lambda: scores(SelectModel(COMPONENTS[:, :10])),
    "5 stimuli cannot be split into folds of at least 3: a model with something to fit needs at least 6. Use folds=(1, …) to fit and test "
    "on the same stimuli.": lambda: rsa_scores(WeightedModel(COMPONENTS[:, :10]), PEOPLE[:, :10], n=5),
    "folds are counted from 1, which holds nothing out; got folds=(0, 2).": lambda: scores(folds=(0, 2)),
    "4 folds of at least 3 stimuli need 12; there are 8. Use 2 folds at most.": lambda: scores(folds=(4, 1)),
    "4 subjects cannot fill 5 folds. Use folds=(2, 4) at most.": lambda: scores(folds=(2, 5)),
    "intervals are 'percentile' or 't'; got 'bca'.": lambda: scores(intervals="bca"),
    "a bootstrap resamples 'stimuli', 'subjects' or 'both'; got 'pairs'.": lambda: scores(resample="pairs"),
    "there is 1 subject, so that resample='both' has nothing to draw. Use resample='stimuli'.": lambda: scores(
        subjects=PEOPLE[:1], resample="both"
    ),
    "there is 1 subject, so that there is no noise ceiling to test against.": lambda: scores(subjects=PEOPLE[:1]).difference(0, "lower"),
    "zero is not chance for the comparison 'cosine': unrelated RDMs score far from it. Use permutations=1000 and read p and "
    "chance.": lambda: scores(comparison="cosine").difference(0, "zero"),
    "models are compared on bootstrap replicates, but there are none. Use replicates=1000.": lambda: scores().pairwise_p(),
    "model number 0 cannot be scored on folds: on the stimuli of one fold an RDM (its own, a component's or a subject's) has the same "
    "distance between all stimuli. Use fewer folds of stimuli than 2, or folds=(1, …).": lambda: scores(CATEGORY[None], folds=(2, 1)),
    "0 of 50 bootstrap replicates have 3 different stimuli in each of 2 folds, 1 subject in each of 1, and no RDM that is constant there. "
    "Use fewer folds, folds=(1, …) or replicates=0.": lambda: rsa_scores(
        SelectModel(COMPONENTS[:, :15]), PEOPLE[:1, :15], n=6, replicates=50
    ),
    "groups has 3 labels for 4 subjects.": lambda: scores(groups="abb", permutations=10),
    "two groups are compared at a time; got 3: 'a', 'b', 'c'.": lambda: scores(groups="abcc", permutations=10),
    "the group 'a' has 1 subject; a comparison of groups needs at least 2 in each.": lambda: scores(groups="abbb", permutations=10),
    "groups are compared by permuting their labels, but permutations is 0. Use permutations=1000.": lambda: scores(groups="aabb"),
    "the group of subjects has 1 values that are NaN or infinite, in 1 of 4 subjects; the first is row 2.": lambda: scores(
        SelectModel(COMPONENTS), np.where(np.equal(PEOPLE, PEOPLE[2, 5]), np.nan, PEOPLE)
    ),
    "the RDM of subject number 1 has the same distance between all its stimuli, so that its pearson comparison is 0/0.": lambda: scores(
        subjects=FLAT
    ),
}


@pytest.mark.parametrize("text", CASES)
def test_the_message(text):
    with pytest.raises(InputError) as caught:
        CASES[text]()
    assert str(caught.value) == text
