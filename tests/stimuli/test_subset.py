"""Class-balanced subsets: totals, balance, independence of everything but the data set's own name."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from isomorph.errors import FileError, IdError, InputError, ShapeError
from isomorph.stimuli import Stimuli, Subset, balanced_subset

RNG = np.random.default_rng(0)
LABELS = [f"class {each}" for each in RNG.choice(7, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.03, 0.02], size=2000)]
IDS = [f"picture-{row}" for row in range(2000)]


def draw(size, **options):
    return balanced_subset(LABELS, IDS, size, **{"name": "wds/gtsrb", **options})


@pytest.mark.parametrize("size", [7, 50, 500, 999, 1999, 2000, 5000])
def test_the_total_is_exact_and_no_class_is_poorer_than_it_must_be(size):
    subset = draw(size)
    have = Counter(LABELS)
    assert len(subset) == len(set(subset)) == min(size, 2000) == sum(subset.counts.values())
    assert Counter(LABELS[IDS.index(each)] for each in subset) == subset.counts
    level = max(subset.counts.values())
    assert all(count >= min(have[label], level - 1) for label, count in subset.counts.items())
    assert list(subset) == sorted(subset, key=IDS.index)


def test_equal_classes_give_equally():
    subset = balanced_subset([row % 10 for row in range(1000)], list(map(str, range(1000))), 200, name="a")
    assert set(subset.counts.values()) == {20}
    assert subset.balanced
    assert subset.note == "a: 200 of 1,000 stimuli, 20 of each of 10 classes."


def test_the_draw_depends_on_name_and_seed_and_nothing_else():
    first = set(draw(300))
    shuffled = RNG.permutation(2000)
    again = balanced_subset([LABELS[row] for row in shuffled], [IDS[row] for row in shuffled], 300, name="wds/gtsrb")
    assert set(again) == first
    assert set(draw(300, seed=1)) != first != set(draw(300, name="wds/other"))
    overlap = len(first & set(draw(300, seed=1)))
    assert overlap < 200


def test_smaller_subsets_lie_within_larger_ones():
    sizes = [set(draw(size)) for size in (10, 33, 100, 333, 1000)]
    assert all(small <= large for small, large in pairwise(sizes))


def test_the_draw_is_the_same_on_every_machine():
    subset = balanced_subset("aaaabbc", "1234567", 5, name="letters")
    assert subset.ids == ("1", "4", "5", "6", "7")


def test_a_whole_set_says_that_it_is_whole():
    subset = draw(9000)
    assert subset.complete
    assert "2,000 of 2,000" in subset.note
    assert "all there are (9,000 were asked for)" in subset.note
    assert not draw(900).complete


def test_the_original_rule_rounds_up_per_class():
    labels = [row % 211 for row in range(31_650)]
    ids = list(map(str, range(31_650)))
    subset = balanced_subset(labels, ids, 10_000, name="country211", rule="original")
    assert len(subset) == 10_128  # 211 × ceil(10,000 / 211)
    assert "original rule" in subset.note
    few = draw(1500, rule="original")
    assert few.counts == {label: min(count, 215) for label, count in sorted(Counter(LABELS).items())}
    assert draw(2000, rule="original").complete


def test_saved_and_loaded(tmp_path):
    subset = draw(100, seed=3)
    subset.save(tmp_path / "subset.json")
    assert Subset.load(tmp_path / "subset.json") == subset
    plain = json.loads((tmp_path / "subset.json").read_text())
    assert (plain["name"], plain["seed"], tuple(plain["ids"])) == ("wds/gtsrb", 3, subset.ids)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"ids": ["a", "a"]},
        {"counts": {}},
        {"counts": {"a": 3}},
        {"ids": 3},
        {"rule": "best"},
        {"seed": None},
        {"counts": [1]},
    ],
)
def test_a_spoilt_file_is_refused(tmp_path, change):
    path = tmp_path / "subset.json"
    draw(20).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((FileError, IdError)):
        Subset.load(path)
    path.write_text("[" * 100_000)
    with pytest.raises(FileError):
        Subset.load(path)
    with pytest.raises(FileError):
        Subset.load(tmp_path / "absent.json")
    with pytest.raises(FileError, match="cannot be written: No such file"):
        draw(20).save(tmp_path / "absent" / "subset.json")


def test_stimuli_carry_their_subset():
    stimuli = Stimuli.from_arrays(np.zeros((12, 4, 4, 3), np.uint8), metadata={"label": list("aaabbbbccccc")})
    part = stimuli.balanced(6, name="tiny")
    assert Counter(part.labels) == {"a": 2, "b": 2, "c": 2}
    assert part.subset.note == "tiny: 6 of 12 stimuli, 2 of each of 3 classes."
    assert part.ids == part.subset.ids
    assert stimuli.take(part.subset).ids == part.ids
    assert stimuli.subset is None
    by_row = stimuli.balanced(4, name="tiny", labels=[row % 2 for row in range(12)])
    assert set(by_row.subset.counts) == {"0", "1"}


def test_what_cannot_be_drawn():
    with pytest.raises(InputError, match="cannot cover the 7 classes"):
        draw(6)
    with pytest.raises(ShapeError):
        balanced_subset("ab", "abc", 2, name="x")
    with pytest.raises(IdError):
        balanced_subset("ab", "aa", 2, name="x")
    with pytest.raises(InputError, match="no label in row 1"):
        balanced_subset([1.0, float("nan")], "ab", 2, name="x")
    with pytest.raises(InputError, match="empty"):
        balanced_subset([], [], 2, name="x")
    with pytest.raises(InputError, match="needs the data set's name"):
        draw(100, name="")
    with pytest.raises(InputError, match="rule must be"):
        draw(100, rule="best")
    with pytest.raises(InputError, match="no labels to balance"):
        Stimuli.from_texts(["a"]).balanced(1, name="x")
