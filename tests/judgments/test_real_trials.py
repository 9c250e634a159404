"""The 2,171 published human trials, and the order of THINGS."""

import numpy as np
import pytest

from isomorph.errors import IdError
from isomorph.features import Features
from isomorph.judgments import load_triplets, order_hash, score_triplets, things_ids
from isomorph.judgments._things import order_of

FILES = ("2171trials_humans.txt", "2171trials_ChatGPT_3.5.txt", "2171trials_GPT_4.txt")
# Section 8, trap 8: the rows at which the item list and sorted file names differ.
TRAP = [*range(246, 249), *range(322, 325), *range(453, 456), *range(801, 805), *range(816, 821), *range(1149, 1152)]


@pytest.fixture
def human(data_path):
    data_path("things", "item_names.tsv")
    return load_triplets(data_path("things-odd-one-out", FILES[0]), objects=things_ids())


def test_the_21_rows(data_path):
    data_path("things", "item_names.tsv")
    item, file, bare = (things_ids(order) for order in ("item", "file", "id"))
    assert len(item) == 1854
    assert [row for row in range(1854) if item[row] != file[row]] == TRAP
    assert sum(one != other for one, other in zip(item, bare, strict=True)) == 20
    assert len({order_hash(each) for each in (item, file, bare)}) == 3
    assert [order_of(each) for each in (item, file, bare, item[::-1])] == ["item", "file", "id", None]
    concepts = data_path("things", "things_concepts.tsv")
    assert things_ids(path=concepts) == item


def test_the_three_files_hold_the_same_triplets(data_path):
    tables = [load_triplets(data_path("things-odd-one-out", each), objects=1854).items for each in FILES]
    assert [len(each) for each in tables] == [2171] * 3
    for each in tables[1:]:
        assert np.array_equal(np.sort(each), np.sort(tables[0]))
    assert len(np.unique(np.sort(tables[0]), axis=0)) == 2171


@pytest.mark.parametrize("convention", ["things", "cblearn", "things-csv"])
def test_conversion_is_lossless(data_path, tmp_path, convention):
    trials = load_triplets(data_path("things-odd-one-out", FILES[0]), objects=1854)
    path = tmp_path / ("t.csv" if convention == "things-csv" else "t.npy")
    trials.save(path, convention)
    assert np.array_equal(load_triplets(path, convention, objects=1854).items, trials.items)


def test_features_in_either_order_score_the_same(human):
    values = np.random.default_rng(0).normal(size=(1854, 20))
    by_item = Features(values, things_ids("item"))
    by_file = by_item.take(things_ids("file"))
    assert score_triplets(by_file, human).accuracy == score_triplets(by_item, human).accuracy
    assert score_triplets(by_file, human).nll == pytest.approx(score_triplets(by_item, human).nll, abs=1e-12)


def test_a_wrong_order_is_named(human):
    by_file = Features(np.random.default_rng(0).normal(size=(1854, 20)), things_ids("file"))
    with pytest.raises(IdError) as caught:
        score_triplets(by_file, human, positional=True)
    assert str(caught.value) == (
        "joined by position, 21 of 1,854 rows are different objects; the first is row 246, 'camera1' in features and 'camera_lens' in the "
        "judgments. The features stand in THINGS file order, the judgments in item order. Join by id instead (positional=False)."
    )


@pytest.mark.slow
def test_names_alone_say_something(human, data_path):
    from isomorph import Stimuli, data, extract, load_model

    names = data.read_table(data_path("things", "item_names.tsv"))["Word"]
    stimuli = Stimuli.from_texts(list(names), ids=human.objects)
    x = extract(load_model("bundled/minilm_l6_v2"), stimuli, layers=["output"])["output"]
    score = score_triplets(x, human, similarity="cosine", resample="objects")
    assert score.low > 1 / 3
    assert score.accuracy == pytest.approx(0.421, abs=0.002)
