"""Which stimuli are trained on and which are tested on."""

import numpy as np
import pandas

from isomorph.encoding import EvenOdd, Halves, KFold, Shuffled

IDS = tuple(f"p{row}" for row in range(40))
TABLE = pandas.DataFrame({"object": ["cat"] * 20 + ["dog"] * 12 + ["car"] * 8}, index=list(IDS))


def test_even_rows_train_and_odd_rows_test():
    ((train, test),) = EvenOdd().of(IDS)
    assert train.tolist() == list(range(0, 40, 2))
    assert test.tolist() == list(range(1, 40, 2))


def test_folds_test_every_stimulus_once_and_spread_the_strata():
    folds = KFold(folds=4, stratify="object").of(IDS, TABLE)
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(40))
    for train, test in folds:
        assert not set(train) & set(test)
        assert TABLE["object"].iloc[test].value_counts().to_dict() == {"cat": 5, "dog": 3, "car": 2}
    assert [test.tolist() for _, test in folds] == [test.tolist() for _, test in KFold(folds=4, stratify="object").of(IDS, TABLE)]
    assert [test.tolist() for _, test in folds] != [test.tolist() for _, test in KFold(folds=4, seed=1, stratify="object").of(IDS, TABLE)]


def test_shuffled_draws_a_share_of_every_stratum():
    folds = Shuffled(splits=6, test=0.25, stratify="object").of(IDS, TABLE)
    assert len(folds) == 6
    for train, test in folds:
        assert len(train) == 30
        assert TABLE["object"].iloc[test].value_counts().to_dict() == {"cat": 5, "dog": 3, "car": 2}
    assert len({tuple(test) for _, test in folds}) == 6


def test_shuffled_keeps_the_total_where_shares_are_broken():
    folds = Shuffled(splits=20, test=0.1, stratify="object").of(IDS, TABLE)  # 2, 1.2 and 0.8 stimuli
    assert {len(test) for _, test in folds} == {4}
    assert {tuple(TABLE["object"].iloc[test].value_counts().reindex(["cat", "dog", "car"])) for _, test in folds} == {(2, 1, 1)}


def test_halves_meet_by_id_and_leave_others_out():
    ((train, test),) = Halves(train=("p5", "p1", "p9"), test=("p30", "p0", "p2")).of(IDS)
    assert (train.tolist(), test.tolist()) == ([5, 1, 9], [30, 0, 2])
