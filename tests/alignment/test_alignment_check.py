"""What alignment costs: neighbourhoods, intervals, human alignment, the whole table."""

import json

import numpy as np
import pytest

from isomorph.alignment import AlignmentCheck, AnomalyDetection, FewShot, FittedTransform, SubclassShift, check_alignment
from isomorph.alignment._check_intervals import Draws, resampled
from isomorph.alignment._neighbourhoods import neighbours_kept
from isomorph.engine import Progress
from isomorph.features import Features
from isomorph.geometry import RDM
from isomorph.inference import compare_rdms
from isomorph.judgments import Ratings, score_ratings, score_triplets, triplets_from_similarities
from isomorph.probes import Probe

N, WIDTH, CLASSES = 120, 20, 6
QUICK = {"few_shot": FewShot(repetitions=3, strengths=(0.1, 1.0, 10.0)), "replicates": 200}
LABELLED = ["few-shot logistic", "few-shot 1-NN", "anomaly one-vs-rest", "anomaly rest-vs-one", "linear probe"]


@pytest.fixture
def world():
    rng = np.random.default_rng(3)
    labels = np.arange(N) % CLASSES
    values = 0.9 * rng.normal(size=(CLASSES, WIDTH))[labels] + rng.normal(size=(N, WIDTH))
    x = Features(values, tuple(f"image-{row}" for row in range(N)), subject="net", layer="norm")
    people = values * np.exp(0.8 * rng.normal(size=WIDTH))
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    trials = triplets_from_similarities(people @ people.T, x.ids, trials=3000, seed=1)
    low_rank = FittedTransform(weights=np.linalg.qr(rng.normal(size=(WIDTH, 2)))[0], method="rank 2", seen=x.ids[:20])
    return x, labels, trials, low_rank


def scaled(factor, seen=()):
    return FittedTransform(weights=factor * np.eye(WIDTH), mean=np.float64(0), method="scaled", seen=seen)


def brute_overlap(x, y, k):
    near = []
    for values in (x, y):
        unit = values / np.linalg.norm(values, axis=1, keepdims=True)
        cosines = unit @ unit.T
        np.fill_diagonal(cosines, -np.inf)
        near.append(np.argsort(-cosines, axis=1)[:, :k])
    return np.array([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])


@pytest.mark.parametrize("n", [40, 700])
def test_neighbours_agree_with_a_full_sort_and_scikit_learn(n):
    neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is not installed")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 12))
    y = x + 0.4 * rng.normal(size=(n, 12))
    kept = neighbours_kept(x, y, (1, 5, 10))
    for k, each in zip((1, 5, 10), kept, strict=True):
        np.testing.assert_allclose(each, brute_overlap(x, y, k), rtol=0, atol=1e-12)
        near = [neighbors.NearestNeighbors(n_neighbors=k, metric="cosine").fit(each).kneighbors(return_distance=False) for each in (x, y)]
        np.testing.assert_allclose(each, [len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)], rtol=0, atol=1e-12)


def test_neighbours_do_not_depend_on_blocks(monkeypatch):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 300, 8))
    whole = neighbours_kept(x, y, (10,))
    monkeypatch.setattr("isomorph.alignment._neighbourhoods._BLOCK_VALUES", 300 * 7)
    np.testing.assert_array_equal(neighbours_kept(x, y, (10,)), whole)


def test_a_map_that_makes_all_equal_scores_chance():
    x = np.random.default_rng(0).normal(size=(200, 5))
    kept = neighbours_kept(x, np.ones((200, 3)), (10, 50))
    np.testing.assert_allclose(kept, np.repeat([[10 / 199], [50 / 199]], 200, axis=1), rtol=1e-12)


def test_ties_that_stay_are_kept():
    x = np.repeat(np.eye(4), 30, axis=0)
    np.testing.assert_allclose(neighbours_kept(x, 2 * x, (5, 29)), 1.0, rtol=1e-12)


def test_resampled_means_share_draws_and_spread_as_theory_says():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    values = np.stack([x, x + 1, np.ones(400)])[:, None]
    found = resampled(values, np.ones((1, 400), bool), 2000, 0)
    np.testing.assert_allclose(found[:, 1] - found[:, 0], 1, rtol=1e-12)  # the same stimuli for both
    assert found[:, 0].std() == pytest.approx(x.std() / 20, rel=0.06)
    episodes = np.repeat(rng.normal(size=(1, 8, 1)), 400, axis=2)
    between = resampled(episodes, np.ones((8, 400), bool), 4000, 0)[:, 0].std()
    assert between == pytest.approx(episodes[0, :, 0].std() / np.sqrt(8), rel=0.06)  # episodes are drawn, too


def test_what_was_not_tested_does_not_count():
    before = np.array([[1.0, np.nan, 0.0, np.nan], [1.0, 1.0, np.nan, np.nan]])
    row = Draws(replicates=100).compare(before, before - 0.25)
    assert (row["before"], row["after"], row["n"], row["change"]) == (0.75, 0.5, 3, "worse")
    assert row["low"] == row["high"] == -0.25


def test_a_multiple_of_the_identity_costs_exactly_nothing(world):
    x, labels, trials, _ = world
    for factor in (0.37, 1024.0):
        found = check_alignment(x, scaled(factor), labels=labels, triplets=trials, neighbours=(1, 10), **QUICK)
        assert list(found.table["question"]) == ["neighbours kept @1", "neighbours kept @10", *LABELLED, "odd-one-out"]
        assert (found.table[["difference", "low", "high"]] == 0).all(axis=None)
        assert set(found.table["change"]) == {"none shown"}


def test_a_map_to_two_dimensions_costs_nearly_all(world):
    x, labels, trials, low_rank = world
    found = check_alignment(x, low_rank, labels=labels, triplets=trials, **QUICK)
    assert set(found.table["change"]) == {"worse"}
    assert found.row("neighbours kept @10")["after"] < 0.35
    table = found.table
    assert (table["before"] > table["chance"]).all()
    for end, sign in (("low", 1), ("high", -1)):
        assert (sign * (table["difference"] - table[end]) >= 0).all()
        assert (sign * (table["after"] - table[f"after_{end}"]) >= 0).all()


def test_a_rotation_keeps_everything_that_has_no_axes(world):
    x, labels, _, _ = world
    rotation = FittedTransform(weights=np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, WIDTH)))[0])
    found = check_alignment(x, rotation, labels=labels, **QUICK)
    assert found.table["difference"].abs().max() < 0.01


def test_seen_judgments_are_left_out_and_counted(world):
    x, _, trials, low_rank = world
    clean = ~np.isin(trials.items, range(20)).any(axis=1)
    row = check_alignment(x, low_rank, triplets=trials, replicates=0).row("odd-one-out")
    assert row["n"] == clean.sum()
    assert row["note"] == f"{(~clean).sum():,} of 3,000 trials left out: a map has seen what they show"
    for side, features in (("before", x), ("after", low_rank.transform(x))):
        assert row[side] == pytest.approx(score_triplets(features, trials.take(clean), similarity="cosine", replicates=0).accuracy)
    assert (row["low"], row["change"]) == (None, "")
    kept = check_alignment(x, low_rank, triplets=trials, seen="keep", replicates=0).row("odd-one-out")
    assert (kept["n"], kept["note"]) == (3000, f"{(~clean).sum():,} of 3,000 trials show what a map has seen: no held-out score")


def test_maps_are_judged_by_what_none_has_seen(world):
    x, _, trials, low_rank = world
    maps = {"a": low_rank, "b": scaled(2.0, seen=x.ids[20:50])}
    found = check_alignment(x, maps, triplets=trials, replicates=0)
    rows = [found.row("odd-one-out", name) for name in "ab"]
    assert rows[0]["n"] == rows[1]["n"] == (~np.isin(trials.items, range(50)).any(axis=1)).sum()
    assert rows[0]["before"] == rows[1]["before"] == rows[1]["after"]


def test_what_has_seen_everything_has_no_held_out_score(world):
    x, _, trials, _ = world
    rdm = RDM.from_features(x)
    found = check_alignment(x, scaled(2.0, seen=x.ids), triplets=trials, rdm=rdm)
    assert found.table["difference"].isna().tolist() == [False, True, True]
    assert "3,000 of 3,000 trials show what a map has seen, so that too few are left; fit it to other objects" in str(found)
    assert "odd-one-out          –" in str(found)


def test_what_a_map_has_seen_may_not_be_known(world):
    x, _, trials, _ = world
    found = check_alignment(x, scaled(2.0, seen=None), triplets=trials, replicates=0)
    assert found.row("odd-one-out")["note"] == "what scaled has seen is not known: these may be among it"
    published = FittedTransform(weights=np.eye(WIDTH), method="gLocal", options={"published": "glocal/net"})
    note = check_alignment(x, published, triplets=trials, replicates=0).row("odd-one-out")["note"]
    assert note.endswith("; gLocal's published maps were fitted to THINGS")


def test_an_rdm_of_people(world):
    x, _, _, low_rank = world
    rdm = RDM.from_features(Features(x.values * np.linspace(0.2, 2, WIDTH), x.ids))
    row = check_alignment(x, low_rank, rdm=rdm, neighbours=(), replicates=200).row("RSA")
    unseen = list(x.ids[20:])
    assert (row["n"], row["change"]) == (100, "worse")
    for side, features in (("before", x), ("after", low_rank.transform(x))):
        own = RDM.from_features(features.take(unseen)).values[None]
        expected = compare_rdms(own, rdm.take(unseen).values[None], comparison="spearman").item()
        assert row[side] == pytest.approx(expected, abs=1e-12)


def test_objects_of_their_own_and_features_already_mapped(world):
    x, labels, trials, low_rank = world
    pictures = Features(x.values[:60], tuple(f"p{row}" for row in range(60)))
    found = check_alignment(pictures, low_rank, labels=labels[:60], triplets=trials, objects=x, **QUICK)
    assert found.row("few-shot 1-NN")["n"] <= 60
    both = low_rank.transform(x)
    table = check_alignment(x, both, labels=dict(zip(x.ids, labels, strict=True)), triplets=trials, **QUICK)
    assert table.transforms == ("net+rank 2",)
    same = check_alignment(x, low_rank, labels=labels, triplets=trials, seen="keep", **QUICK)
    np.testing.assert_array_equal(table.table["after"], same.table["after"])


def test_questions_can_be_left_out(world):
    x, labels, _, low_rank = world
    found = check_alignment(x, low_rank, labels=labels, few_shot=None, anomaly=None, neighbours=(), replicates=0)
    assert found.questions == ("linear probe",)
    logistic = Probe(kind="logistic", strengths=(0.1, 1.0))
    other = check_alignment(x, low_rank, labels=labels, few_shot=None, anomaly=AnomalyDetection(folds=3), probe=logistic, replicates=0)
    assert other.row("linear probe")["before"] > 0.6
    assert other.options["probe"]["kind"] == "logistic"


def test_the_probe_is_trained_on_other_folds(world):
    x, _, _, low_rank = world
    shuffled = np.random.default_rng(0).permutation(np.arange(N) % 2)
    found = check_alignment(x, low_rank, labels=shuffled, few_shot=None, replicates=0)
    for question in ("linear probe", "anomaly one-vs-rest", "anomaly rest-vs-one"):
        assert found.row(question)["before"] == pytest.approx(0.5, abs=0.12)  # nothing to learn: no fold has seen its own labels


def test_saved_and_read_again(world, tmp_path):
    x, labels, trials, low_rank = world
    found = check_alignment(x, {"low": low_rank, "same": scaled(2.0, seen=x.ids)}, labels=labels, triplets=trials, **QUICK)
    again = AlignmentCheck.load(found.save(tmp_path / "check.json"))
    assert str(again) == str(found)
    assert again.to_plain() == found.to_plain()
    assert repr(again).startswith("AlignmentCheck(low, same: neighbours kept @10, few-shot logistic")
    lines = found.save(tmp_path / "check.csv").read_text().splitlines()
    assert len(lines) == 1 + len(found.rows) == 15


def test_equal_seeds_give_equal_tables_and_progress_is_told(world, capsys):
    x, labels, trials, low_rank = world
    with Progress() as progress:
        one = check_alignment(x, low_rank, labels=labels, triplets=trials, progress=progress, **QUICK)
    assert "checking" in capsys.readouterr().err
    assert one.to_plain() == check_alignment(x, low_rank, labels=labels, triplets=trials, **QUICK).to_plain()


def test_several_judgments_by_name(world):
    x, _, trials, low_rank = world
    rdm = RDM.from_features(Features(x.values * np.linspace(0.2, 2, WIDTH), x.ids))
    found = check_alignment(x, low_rank, triplets={"a": trials, "b": trials.take(slice(500))}, rdm={"c": rdm}, neighbours=(), replicates=50)
    assert found.questions == ("odd-one-out: a", "odd-one-out: b", "RSA: c")
    alone = check_alignment(x, low_rank, triplets=trials, neighbours=(), replicates=50).row("odd-one-out")
    assert {**found.row("odd-one-out: a"), "question": ""} == {**alone, "question": ""}
    assert found.row("odd-one-out: b")["n"] < alone["n"]


def test_ratings_are_compared_as_score_ratings_does(world):
    x, _, _, low_rank = world
    pairs = np.array([(one, other) for one in range(30, 60) for other in range(one)])
    cosines = np.corrcoef(x.values * np.linspace(0.2, 2, WIDTH))[tuple(pairs.T)]
    rated = Ratings(pairs=pairs, values=np.round(5 * cosines), objects=x.ids, scale="similarity")
    row = check_alignment(x, {"low": low_rank}, ratings={"r": rated}, seen="keep", neighbours=(), replicates=100).row("ratings: r")
    for side, features in (("before", x), ("after", low_rank.transform(x))):
        assert row[side] == pytest.approx(score_ratings(features, rated, replicates=0).value, abs=1e-12)
    assert (row["n"], row["unit"], row["change"], row["seen"]) == (len(pairs), "pairs", "worse", "judgments seen")
    dropped = check_alignment(x, low_rank, ratings=rated, neighbours=(), replicates=100).row("ratings")
    assert dropped["n"] == (pairs >= 20).all(axis=1).sum()
    assert dropped["seen"] == "unseen"
    assert dropped["low"] < dropped["difference"] < dropped["high"] < 0


def test_every_row_says_what_was_seen(world):
    x, _, trials, low_rank = world
    maps = {"some": low_rank, "none": scaled(2.0), "silent": scaled(2.0, seen=None)}
    found = check_alignment(x, maps, triplets=trials, replicates=0)
    near = [found.row("neighbours kept @10", name)["seen"] for name in maps]
    assert near == ["pictures seen in training", "unseen", "not known"]
    assert found.row("odd-one-out", "none")["seen"] == "not known"  # one of them does not say, and all are judged by the same
    told = {name: maps[name] for name in ("some", "none")}
    assert check_alignment(x, told, triplets=trials, replicates=0).row("odd-one-out", "some")["seen"] == "unseen"
    assert check_alignment(x, told, triplets=trials, seen="keep", replicates=0).row("odd-one-out", "none")["seen"] == "judgments seen"


def test_one_shot_and_few(world):
    x, labels, _, low_rank = world
    shots = (FewShot(shots=1, repetitions=4), QUICK["few_shot"])
    found = check_alignment(x, low_rank, labels=labels, few_shot=shots, anomaly=None, probe=None, neighbours=(), replicates=50)
    assert found.questions == ("one-shot logistic", "one-shot 1-NN", "few-shot logistic", "few-shot 1-NN")
    rows = [found.row(each) for each in found.questions]
    assert [each["chance"] for each in rows] == [1 / CLASSES] * 4
    assert 1 / CLASSES < rows[0]["before"] < rows[2]["before"]


def test_superclasses_are_asked_about_in_unmet_subclasses():
    rng = np.random.default_rng(5)
    labels = [f"{upper}/{upper}{lower}" for upper in "xy" for lower in range(4) for _ in range(15)]
    upper = np.repeat([-1.0, 1.0], 60)
    own = 8 * np.repeat(rng.normal(size=(8, 30)), 15, axis=0)
    noise = rng.normal(size=(120, 31))
    told = Features(np.column_stack([6 * upper, own * 0.1]) + noise, tuple(map(str, range(120))))  # superclasses share a direction
    apart = Features(np.column_stack([0 * upper, own]) + noise, told.ids)  # subclasses alone: nothing to carry over
    options = {"few_shot": None, "anomaly": None, "neighbours": (), "replicates": 200}
    found = check_alignment(apart, {"told": told}, labels=labels, shift=SubclassShift(), **options)
    met, unmet = (found.row(f"superclass probe, {kind} subclasses") for kind in ("met", "unmet"))
    assert met["before"] > 0.95
    assert unmet["before"] < 0.8 < 0.95 < unmet["after"]
    assert (unmet["n"], unmet["drawn"], unmet["chance"], unmet["change"]) == (8, "subclasses", 0.5, "better")
    names = {each: each[0] for each in labels}
    flat = check_alignment(apart, {"told": told}, labels=labels, shift=SubclassShift(superclass=names), **options)
    assert flat.row(unmet["question"])["before"] == unmet["before"]
    assert not np.isnan(flat.table["low"].astype(float)).any()


def test_files_from_before_there_were_ceilings_are_read(world, tmp_path):
    x, _, _, low_rank = world
    plain = check_alignment(x, low_rank, replicates=0).to_plain()
    for row in plain["rows"]:
        for name in ("seen", "ceiling_lower", "ceiling_upper"):
            del row[name]
    (tmp_path / "old.json").write_text(json.dumps(plain))
    assert AlignmentCheck.load(tmp_path / "old.json").row("neighbours kept @10")["seen"] == "not known"
