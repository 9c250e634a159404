"""Published protocols on tiny cases that are worked out here with nothing but numpy and scipy."""

import numpy as np
import pandas
import pytest
from scipy import stats
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from isomorph.brains import RDMRecording, Recording, ncsnr, split_half_reliability
from isomorph.encoding import PLS, EvenOdd, KFold, PrincipalRegression, Protocol, Ridge, Shuffled, encode, list_protocols, load_protocol
from isomorph.features import Features
from isomorph.geometry import Gram

RNG = np.random.default_rng(0)
N, P, T = 36, 14, 12
IDS = tuple(f"p{row}" for row in range(N))
X = RNG.normal(size=(N, P)) * np.linspace(2, 0.3, P) + 1
TRIALS = (X @ RNG.normal(size=(P, T)))[:, None] / 4 + RNG.normal(size=(N, 4, T)) + 5
LAYER = Features(X, IDS, layer="fc6", subject="net")
BRAIN = Recording(ids=IDS, trials=TRIALS, units=pandas.DataFrame({"IT": np.ones(T, dtype=int)}), name="brain")
Y = BRAIN.responses


def r(a, b):
    return np.array([np.corrcoef(*pair)[0, 1] for pair in zip(a.T, b.T, strict=True)])


def upper(rdm):
    return rdm[np.triu_indices(len(rdm), 1)]


def row(scores, metric, split="test"):
    (found,) = scores.table[(scores.table["metric"] == metric) & (scores.table["split"] == split)].to_dict("records")
    return found


def ridge(x, y, alpha):
    """Predictions of training stimuli when left out, by refits; and the map."""

    def fit(x, y):
        mean, offset = x.mean(axis=0), y.mean()
        weights = np.linalg.solve((x - mean).T @ (x - mean) + alpha * np.eye(x.shape[1]), (x - mean).T @ (y - offset))
        return lambda new: (new - mean) @ weights + offset

    left = [fit(np.delete(x, at, 0), np.delete(y, at))(x[at]) for at in range(len(x))]
    return np.array(left), fit(x, y)


@pytest.fixture(scope="module")
def conwell():
    return encode(LAYER, BRAIN, protocol="conwell2024")


def conwell_by_hand():
    train, test = np.arange(0, N, 2), np.arange(1, N, 2)
    width = int(4 * np.log(N) / (0.1**2 / 2 - 0.1**3 / 3))
    centred = X[train] - X[train].mean(axis=0)
    x = X * np.sqrt(len(train) * width / (centred**2).sum())  # the trace of the training Gram matrix is n · width
    left, made = np.empty((len(train), T)), np.empty((len(test), T))
    for unit in range(T):
        tried = [ridge(x[train], Y[train, unit], alpha) for alpha in 10.0 ** np.arange(-1, 6)]
        fits = [np.corrcoef(each, Y[train, unit])[0, 1] for each, _ in tried]
        left[:, unit], fitted = tried[int(np.argmax(fits))]
        made[:, unit] = fitted(x[test])
    return left, made


def test_conwell_regression_is_that_of_refits(conwell):
    left, made = conwell_by_hand()
    assert row(conwell, "eReg", "train")["score"] == pytest.approx(r(left, Y[::2]).mean(), abs=2e-5)
    assert row(conwell, "eReg")["score"] == pytest.approx(r(made, Y[1::2]).mean(), abs=2e-5)
    np.testing.assert_allclose(conwell.units["net", "fc6", "eReg"], r(made, Y[1::2]), atol=3e-4)


def test_conwell_geometries_are_those_of_numpy(conwell):
    left, made = conwell_by_hand()
    for split, part, predicted in (("train", slice(0, None, 2), left), ("test", slice(1, None, 2), made)):
        brain = upper(1 - np.corrcoef(Y[part]))
        assert row(conwell, "cRSA", split)["score"] == pytest.approx(np.corrcoef(upper(1 - np.corrcoef(X[part])), brain)[0, 1], abs=1e-6)
        expected = np.corrcoef(upper(1 - np.corrcoef(predicted)), brain)[0, 1]
        assert row(conwell, "eRSA", split)["score"] == pytest.approx(expected, abs=1e-4)


def test_conwell_dimensionality_and_conventions(conwell):
    found = row(conwell, "cRSA")
    eigenvalues = np.linalg.eigvalsh(np.cov(X[1::2].T))
    assert found["effective_dimensionality"] == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    assert (found["protocol"], found["scorer"], found["normaliser"], found["aggregator"]) == ("conwell2024", "pearson", "none", "mean")
    assert (found["split_rule"], found["distance"], found["comparison"], found["projection"]) == (
        "even-odd", "correlation", "pearson", "none",
    )  # fmt: skip
    assert np.isnan(found["normalised"])


def test_regions_of_ten_units_are_left_out_by_conwell():
    units = pandas.DataFrame({"IT": np.ones(T, dtype=int), "FFA": np.arange(T) < 10})
    scores = encode(LAYER, Recording(ids=IDS, responses=Y, units=units), protocol="conwell2024", metrics=("cRSA",))
    assert set(scores.table["region"]) == {"IT"}
    assert "left out, with fewer than 11 units: FFA (10)." in scores.notes


def test_a_gram_matrix_gives_what_features_give(conwell):
    again = encode(Gram.from_features(LAYER), BRAIN)
    np.testing.assert_allclose(again.table["score"], conwell.table["score"], atol=1e-9)


def test_brainscore_squares_the_median_over_the_median_reliability():
    protocol = load_protocol("brainscore", regression=PLS(components=3))
    scores = encode(LAYER, BRAIN, protocol=protocol)
    medians, shares = [], []
    reliability = split_half_reliability(TRIALS)
    for train, test in Shuffled(splits=10, test=0.1).of(IDS):
        made = PLSRegression(n_components=3, scale=False, tol=1e-14, max_iter=10_000).fit(X[train], Y[train]).predict(X[test])
        medians.append(np.median(r(made, Y[test])))
        shares.append(medians[-1] * abs(medians[-1]) / np.median(np.sqrt(reliability)) ** 2)
    found = row(scores, "eReg")
    assert found["score"] == pytest.approx(np.mean(medians), abs=1e-5)
    assert found["normalised"] == pytest.approx(np.mean(shares), abs=1e-5)
    assert found["ceiling"] == pytest.approx(np.median(np.sqrt(reliability)))
    before = row(encode(LAYER, BRAIN, protocol=protocol, normaliser="r2/ceiling4"), "eReg")["normalised"]
    assert before == pytest.approx(np.mean([m * abs(m) for m in medians]) / np.median(reliability) ** 2, rel=1e-4)


def test_algonauts_divides_the_square_of_every_unit_by_its_ceiling():
    scores = encode(LAYER, BRAIN, protocol="algonauts2023")
    unit = scores.units["net", "fc6", "eReg"].astype(float)
    ceiling = 1 / np.sqrt(1 + 1 / 4 / ncsnr(TRIALS) ** 2)
    found = row(scores, "eReg")
    assert found["score"] == pytest.approx(np.median(unit), abs=1e-6)
    assert found["normalised"] == pytest.approx(np.median(np.abs(unit) * unit / ceiling**2), abs=1e-6)
    assert found["ceiling"] == pytest.approx(np.median(ceiling))


def test_net2brain_regression_is_least_squares_on_components():
    scores = encode(LAYER, BRAIN, protocol="net2brain", metrics=("eReg",), regression=PrincipalRegression(components=4), normaliser="none")
    folds = []
    for train, test in KFold(folds=3).of(IDS):
        reduce = PCA(4).fit(X[train])
        made = LinearRegression().fit(reduce.transform(X[train]), Y[train]).predict(reduce.transform(X[test]))
        folds.append(r(made, Y[test]).mean())
    assert row(scores, "eReg")["score"] == pytest.approx(np.mean(folds), abs=1e-5)


def test_net2brain_squares_rho_over_the_lower_ceiling():
    people = RNG.random((3, N * (N - 1) // 2)) + upper(1 - np.corrcoef(X))
    scores = encode(LAYER, RDMRecording(ids=IDS, rdms={"IT": people}), protocol="net2brain")
    expected = np.zeros(3)
    square = np.zeros((3, N, N))
    square[:, *np.triu_indices(N, 1)] = people
    square += square.transpose(0, 2, 1)
    for _, test in KFold(folds=3).of(IDS):
        part = [upper(each[np.ix_(test, test)]) for each in square]
        ranks = np.array([stats.rankdata(each) for each in part])
        lower = np.mean([stats.spearmanr(part[at], np.delete(ranks, at, 0).mean(axis=0))[0] for at in range(3)])
        rho = np.array([stats.spearmanr(upper(1 - np.corrcoef(X[test])), each)[0] for each in part])
        expected += rho**2 / lower**2 / 3
    found = scores.table[scores.table["split"] == "test"]
    np.testing.assert_allclose(found["normalised"], expected, rtol=1e-6)


def test_every_preset_says_what_it_is_and_takes_changes():
    assert list(list_protocols()) == ["conwell2024", "brainscore", "algonauts2023", "net2brain"]
    for name in list_protocols():
        protocol = load_protocol(name)
        assert protocol.name == name
        assert load_protocol(protocol) is not None
        assert Protocol.from_plain(protocol.plain()) == protocol
        assert load_protocol(name, aggregator=protocol.aggregator).name == name  # nothing was changed
    changed = load_protocol("conwell2024", split=KFold(folds=3), regression=Ridge(alphas=(1.0,), standardise=False))
    assert (changed.name, changed.split.rule) == ("conwell2024, changed", "3-fold, seed 0")
    assert load_protocol("conwell2024").split == EvenOdd()
    assert load_protocol("brainscore").plain() != load_protocol("brainscore", regression=PrincipalRegression(components=25)).plain()
