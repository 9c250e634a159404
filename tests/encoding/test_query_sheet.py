"""Queries beside whole embeddings: the short cut against `encode`, known truths, nulls and importances."""

import numpy as np
import pandas as pd
import pytest

from isomorph.brains import Recording, simulated_recording
from isomorph.encoding import (
    EvenOdd,
    KFold,
    PrincipalRegression,
    QuerySheet,
    Ridge,
    encode,
    johnson_lindenstrauss,
    load_protocol,
    query_sheet,
)
from isomorph.encoding._query_null import RandomQueries, ThinScorer, null_scores
from isomorph.encoding._query_ridge import ThinRidge, ThinTargets
from isomorph.features import Features, relative

RNG = np.random.default_rng(0)
X = Features(RNG.normal(size=(160, 48)), tuple(f"p{at}" for at in range(160)), subject="clip")
NAMES = ("faces", "food", "places", "tools", "text", "hands")
QUERIES = Features(np.eye(6, 48) + RNG.normal(0, 0.05, (6, 48)), NAMES)
GROUPS = {"faces": "people", "hands": "people", "food": "things", "tools": "things", "places": "scenes", "text": "scenes"}


def brain(seed=0, ncsnr=1.0):
    """OTC answers to faces (most) and places; EVC to directions that no query names; two subjects."""
    rng = np.random.default_rng(seed)
    named = X.values[:, [0, 2]] @ np.abs(rng.normal([[2.0], [1.0]], 0.2, (2, 60)))
    other = X.values[:, 20:40] @ rng.normal(size=(20, 60))
    table = pd.DataFrame({"subject": ["1"] * 30 + ["2"] * 30, "ncsnr": ncsnr})
    units = pd.concat([table.assign(OTC=1, EVC=0), table.assign(OTC=0, EVC=1)], ignore_index=True)
    return simulated_recording(Features(np.hstack([named, other]), X.ids), units, repeats=3, seed=seed)


BRAIN = brain()


@pytest.fixture(scope="module")
def sheet():
    return query_sheet(X, QUERIES, BRAIN, groups=GROUPS, null=40, replicates=200)


def on_test(sheet, region):
    return sheet.table.query(f"split == 'test' and region == '{region}'").iloc[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"split": KFold(folds=3), "aggregator": "median", "regression": Ridge(standardise=False), "penalties": "raw"},
        {"regression": Ridge(), "scorer": "r2"},
        {"regression": Ridge(select="loo-mse", standardise=False), "penalties": "raw"},
        {"regression": Ridge(select="gcv", per_unit=False), "scorer": "spearman"},
    ],
)
def test_the_short_cut_is_what_encode_gives(changes):
    protocol = load_protocol("conwell2024", metrics=("eReg",), **changes)
    near = relative(X, QUERIES)
    table = encode(near, BRAIN, protocol=protocol).over_subjects()
    theirs = table[table["split"] == "test"].set_index("region")["score"]
    ours = ThinScorer.of(BRAIN, protocol, regions=None, time=None).scores(near)
    assert set(ours) == {"OTC", "EVC"}
    for region, score in ours.items():
        assert score == pytest.approx(theirs[region], abs=1e-4)


@pytest.mark.parametrize("ridge", [Ridge(), Ridge(screen=None), Ridge(standardise=False), Ridge(select="loo-mse", per_unit=False)])
def test_the_thin_ridge_is_ridge(ridge):
    x, y = X.values[:, :20] * 3 + 1, X.values[:, :30] @ RNG.normal(size=(30, 80)) + RNG.normal(size=(160, 80)) * np.geomspace(1, 40, 80)
    ours, theirs = ThinRidge.fit(x[:120], ThinTargets.of(y[:120]), ridge), ridge.fit(x[:120], y[:120])
    np.testing.assert_array_equal(ours.alphas, theirs.alphas)
    np.testing.assert_allclose(ours.predict(x[120:]), theirs.predict(x[120:]), atol=1e-9)
    standardised = theirs.coefficients() * x[:120].std(axis=0)[:, None] / y[:120].std(axis=0)
    np.testing.assert_allclose(ours.coefficients(), standardised, atol=1e-10)


def test_doubled_and_constant_queries_do_no_harm():
    x = np.hstack([X.values[:, :3], X.values[:, :2], np.ones((160, 1))])
    y = X.values[:, :4] @ RNG.normal(size=(4, 20))
    ours, theirs = ThinRidge.fit(x[:120], ThinTargets.of(y[:120]), Ridge()), Ridge().fit(x[:120], y[:120])
    np.testing.assert_allclose(ours.predict(x[120:]), theirs.predict(x[120:]), atol=1e-8)
    assert np.abs(ours.coefficients()[5]).max() < 1e-12


def test_the_sheet_holds_what_encode_says(sheet):
    both = encode({"full": X, "queries": relative(X, QUERIES)}, BRAIN, metrics=("eReg",)).over_subjects()
    for row in sheet.table.to_dict("records"):
        for layer in ("full", "queries"):
            same = both[(both["layer"] == layer) & (both["region"] == row["region"]) & (both["split"] == row["split"])].iloc[0]
            assert [row[layer], row[f"{layer}_low"], row[f"{layer}_high"]] == pytest.approx([same["score"], same["low"], same["high"]])
        assert row["performance"] == pytest.approx(row["queries"] / row["full"])
    assert sheet.dimensions == pytest.approx(6 / 48)
    assert sheet.queries == NAMES


def test_named_directions_are_told_from_unnamed_ones(sheet):
    otc, evc = on_test(sheet, "OTC"), on_test(sheet, "EVC")
    assert otc["p"] == pytest.approx(1 / 41)
    assert otc["performance"] > 1  # fewer features than the whole, and the right ones
    assert otc["performance_low"] < otc["performance"] < otc["performance_high"]
    assert evc["p"] > 0.1
    assert evc["performance"] < 0.6
    assert otc["null_low"] < otc["null_mean"] < otc["null_high"] < otc["queries"]
    drawn = sheet.null[sheet.null["region"] == "OTC"]["score"]
    assert len(drawn) == 40
    assert otc["null_mean"] == pytest.approx(drawn.mean())


def test_p_values_are_even_where_queries_mean_nothing():
    """Queries drawn as random sets are: ranks among them are even."""
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed + 100)
        queries = Features(rng.normal(size=(6, 48)), NAMES)
        row = query_sheet(X, queries, BRAIN, null=9, replicates=0, seed=seed, regions=["OTC"]).table.iloc[-1]
        found.append(row["p"])
    assert 0.3 < np.mean(found) < 0.8
    assert min(found) < 0.4 < 0.6 < max(found)


def test_importances_find_the_queries(sheet):
    otc = sheet.importances[sheet.importances["region"] == "OTC"]
    assert list(otc["query"][:2]) == ["faces", "places"]
    assert list(otc["importance"]) == sorted(otc["importance"], reverse=True)
    for kind in ("units", "stimuli"):
        assert (otc[f"low_{kind}"] < otc["importance"]).all()
        assert (otc["importance"] < otc[f"high_{kind}"]).all()
    first, third = otc.iloc[0], otc.iloc[2]
    assert first["low_stimuli"] > third["high_stimuli"]
    assert first["coefficient"] == pytest.approx(first["importance"], rel=0.05)  # all units answer to faces with more
    assert set(otc["group"]) == {"people", "things", "scenes"}


def test_importances_are_mean_sizes_of_standardised_coefficients(sheet):
    near, rows = relative(X, QUERIES).values[::2], BRAIN.responses[::2]
    units = (rows[:, :60] - rows[:, :60].mean(axis=0)) / rows[:, :60].std(axis=0)
    z = near - near.mean(axis=0)
    z *= np.sqrt(len(z) * johnson_lindenstrauss(160) / (z**2).sum())  # the trace that the protocol's penalties are meant for
    scores, sizes = {}, {}
    for alpha in 10.0 ** np.arange(-1, 6):
        hat = z @ np.linalg.solve(z.T @ z + alpha * np.eye(6), z.T)
        left = units - (units - hat @ units) / (1 - 1 / len(z) - np.diag(hat))[:, None]
        scores[alpha] = [np.corrcoef(a, b)[0, 1] for a, b in zip(left.T, units.T, strict=True)]
        sizes[alpha] = np.abs(np.linalg.solve(z.T @ z + alpha * np.eye(6), z.T @ units)) * z.std(axis=0)[:, None]
    best = np.argmax(list(scores.values()), axis=0)
    expected = np.mean([list(sizes.values())[at][:, unit] for unit, at in enumerate(best)], axis=0)
    ours = sheet.importances[sheet.importances["region"] == "OTC"].set_index("query")["importance"]
    np.testing.assert_allclose(ours[list(NAMES)], expected, rtol=1e-3)


def test_groups_lose_what_is_theirs(sheet):
    otc = sheet.groups[sheet.groups["region"] == "OTC"].set_index("group")
    assert otc["unique"].idxmax() == "people"
    assert otc.loc["people", "low"] > 0
    assert abs(otc.loc["things", "unique"]) < 0.02
    assert list(otc["queries"]) == [2, 2, 2]
    without = encode({"q": relative(X, QUERIES.take(["food", "places", "tools", "text"]))}, BRAIN, metrics=("eReg",)).over_subjects()
    score = without[(without["split"] == "test") & (without["region"] == "OTC")]["score"].item()
    assert otc.loc["people", "unique"] == pytest.approx(on_test(sheet, "OTC")["queries"] - score)


def test_every_draw_has_its_own_seed():
    few, many = (list(RandomQueries(X, 4, count, 3)) for count in (2, 4))
    np.testing.assert_array_equal(few[1].values, many[1].values)
    assert not np.allclose(many[2].values, many[3].values)
    other = next(iter(RandomQueries(X, 4, 1, 4)))
    assert not np.allclose(other.values, few[0].values)
    pooled = next(iter(RandomQueries(X, 4, 1, 3, Features(np.eye(6, 48), NAMES))))
    columns = relative(X, Features(np.eye(6, 48), NAMES)).values
    at = [int(np.flatnonzero(np.isclose(columns, column[:, None]).all(axis=0)).item()) for column in pooled.values.T]
    assert len(set(at)) == 4


def test_a_pool_of_queries_is_the_null():
    rng = np.random.default_rng(8)
    pool = Features(np.vstack([QUERIES.values, rng.normal(size=(60, 48))]), (*NAMES, *(f"q{at}" for at in range(60))))
    found = query_sheet(X, QUERIES, BRAIN, pool=pool, null=30, replicates=0, regions=["OTC"])
    assert on_test(found, "OTC")["p"] == pytest.approx(1 / 31)


def test_all_metrics_and_other_regressions_have_nulls():
    small = query_sheet(X, QUERIES, BRAIN, metrics=("cRSA", "eReg", "eRSA"), null=3, replicates=0, regions=["OTC"])
    assert set(zip(small.null["metric"], small.null["draw"], strict=True)) == {
        (metric, draw) for metric in ("cRSA", "eReg", "eRSA") for draw in range(3)
    }
    assert small.table["p"].notna().sum() == 3
    other = query_sheet(X, QUERIES, BRAIN, regression=PrincipalRegression(components=4), null=2, replicates=0, regions=["OTC"])
    assert len(other.importances) == 0
    assert on_test(other, "OTC")["null_mean"] < on_test(other, "OTC")["queries"]


def test_the_slow_way_gives_the_same_null():
    protocol = load_protocol("conwell2024", metrics=("eReg",))
    where = {"regions": ["OTC"], "time": None}
    sets = RandomQueries(X, 6, 3, 0)
    thin = ThinScorer.of(BRAIN, protocol, **where)
    fast, slow = (null_scores(sets, each, BRAIN, protocol, progress=None, **where)["score"] for each in (thin, None))
    np.testing.assert_allclose(fast, slow, atol=1e-3)


def test_sheets_are_plain_data(sheet, tmp_path):
    sheet.save(tmp_path / "sheet")
    back = QuerySheet.load(tmp_path / "sheet")
    for name in ("table", "null", "importances", "groups"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(sheet, name))
    assert (back.queries, back.width, back.notes) == (sheet.queries, sheet.width, sheet.notes)
    pd.testing.assert_frame_equal(back.scores.table, sheet.scores.table)
    assert str(back) == str(sheet)
    assert repr(sheet) == "QuerySheet(6 queries, 48 features, 'simulated')"
    assert str(sheet).startswith("6 queries, 12.5% of 48 dimensions, on test stimuli:\nOTC eReg: queries 0.")


def test_equal_seeds_give_equal_sheets():
    first, again = (query_sheet(X, QUERIES, BRAIN, null=5, replicates=20, regions=["OTC"], seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(first.importances, again.importances)


def test_recordings_without_groups_or_nulls():
    plain = Recording(ids=X.ids, responses=BRAIN.responses[:, :60])
    found = query_sheet(X, list(X.ids[:5]), plain.take(X.ids[5:]), null=0, replicates=0, split=EvenOdd())
    assert list(found.table["region"].unique()) == ["all"]
    assert found.table["p"].isna().all()
    assert found.queries == X.ids[:5]
    assert "random sets" not in str(found)
