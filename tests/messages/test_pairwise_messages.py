"""What all pairs say when something is wrong; each text is pinned whole."""

from dataclasses import replace

import numpy as np
import pytest

from isomorph.errors import DeviceError, FileError, InputError
from isomorph.features import Features
from isomorph.measures import CKA, RBFCKA, RSA, MutualKNN
from isomorph.pairwise import PairState, all_pairs
from isomorph.pairwise._sum_tree import SumTree

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 4))
FLAT = np.ones((12, 3))
STILL = X.copy()
STILL[2] = 7.0
HOLED = X.copy()
HOLED[3, 1], HOLED[3, 2] = np.nan, np.inf
FAR = {"x": np.eye(12), "y": Y}
NAMED = tuple("abcdefghijkl")


@pytest.fixture(autouse=True)
def two_groups(monkeypatch):
    """Twelve stimuli are few enough for a single group, and parts are made of whole groups."""
    monkeypatch.setattr("isomorph.pairwise._sum_tree._LEAST_ROWS", 2)


def part(index: int, **items: np.ndarray) -> PairState:
    return all_pairs(items or {"x": X, "y": Y}, form="stream", part=(index, 2))


CASES = {
    "a comparison needs at least 2 things; got 1.": lambda: all_pairs({"x": X}),
    "all_pairs needs at least 1 measure; got none.": lambda: all_pairs({"x": X, "y": Y}, []),
    "the measure 'cka' is asked for twice.": lambda: all_pairs({"x": X, "y": Y}, ["cka", "rsa", "cka"]),
    "things are compared row by row, but 2 of 4 have another number of stimuli than 'x' (12); the first is 'y' with 11.": lambda: all_pairs(
        {"x": X, "y": Y[1:], "z": X, "w": Y[:9]}
    ),
    "'y' was not shown 1 of the 12 stimuli of 'x'; the first is 'l'. 1 of 2 things lack some: choose the shared ones with "
    ".take(ids).": lambda: all_pairs({"x": Features(X, NAMED), "y": Features(Y, (*NAMED[:-1], "z"))}),
    "'y' needs the axes [stimulus, feature]; got shape (12,).": lambda: all_pairs({"x": X, "y": Y[:, 0]}),
    "'y' must hold numbers; got an array of type <U1.": lambda: all_pairs({"x": X, "y": np.full((12, 2), "a")}),
    "'y' has no features.": lambda: all_pairs({"x": X, "y": Y[:, :0]}),
    "'y' has 2 values that are NaN or infinite, in 1 of 12 stimuli; the first is '3'.": lambda: all_pairs({"x": X, "y": HOLED}),
    "'y' has 2 values that are NaN or infinite, in 1 of 12 stimuli; the first is 'd'.": lambda: all_pairs(
        {"x": X, "y": Features(HOLED, NAMED)}
    ),
    "'y' does not vary over its 12 stimuli, so that nothing can be like it. Leave it out.": lambda: all_pairs({"x": X, "y": FLAT}),
    "'x' does not vary over its stimuli, or holds all of them equally far apart (to the precision of float64), so that cka is 0/0. "
    "Leave it out.": lambda: all_pairs(FAR),
    "'x' does not vary over its stimuli, or holds all of them equally far apart, or does not at this sigma (to the precision of "
    "float64), so that RBFCKA(sigma=0.01, sigma_unit='absolute', estimator='song', debiased=True) is 0/0. So does 1 more. Leave it "
    "out.": lambda: all_pairs({"x": X, "y": Y}, RBFCKA(sigma=0.01, sigma_unit="absolute")),
    "'x' has the same distance between all its stimuli, so that a rank correlation is 0/0. Leave it out.": lambda: all_pairs(
        FAR, RSA(distance="sqeuclidean", comparison="spearman")
    ),
    "a correlation distance needs rows that vary, but 1 of 12 stimuli of 'y' have the same number in every feature; the first is '2'. "
    "Leave them out, or use distance='euclidean'.": lambda: all_pairs({"x": X, "y": STILL}, "rsa"),
    "the median distance between the stimuli of 'y' is 0, so that sigma has no unit. Use sigma_unit='absolute'.": lambda: all_pairs(
        {"x": X, "y": np.r_[X[:1], np.ones((11, 3))]}, "rbf-cka"
    ),
    "cka needs at least 4 stimuli; got 3.": lambda: all_pairs({"x": X[:3], "y": Y[:3]}),
    "mutual-knn needs at least 12 stimuli; got 11.": lambda: all_pairs({"x": X[1:], "y": Y[1:]}, "mutual-knn"),
    "all stimuli of 'x' are equally alike, so that none is nearer than another. Leave 'x' out.": lambda: all_pairs(FAR, MutualKNN(k=3)),
    "2 things with 12 stimuli need at least 66.1 MB for a stripe of 12 rows, but memory_limit is 1 MB. Raise it, or compare fewer things "
    "at a time.": lambda: all_pairs({"x": X, "y": Y}, memory_limit="1MB", form="stream"),
    "form='features' is for linear CKA without standard errors; leave form='auto'.": lambda: all_pairs(
        {"x": X, "y": Y}, "rsa", form="features"
    ),
    "products must be 'auto', 'float32' or 'float64'; got 'bfloat16'.": lambda: all_pairs({"x": X, "y": Y}, products="bfloat16"),
    "part must be (i, N) with 1 ≤ i ≤ N; got (0, 2).": lambda: all_pairs({"x": X, "y": Y}, part=(0, 2)),
    "'procrustes' cannot be computed in parts: it has no streaming form for these things. Compute it apart, whole.": lambda: all_pairs(
        {"x": X, "y": Y}, "procrustes", part=(1, 2)
    ),
    "this machine has no device 'cuda:99'; it has 'cpu'.": lambda: all_pairs({"x": X, "y": Y}, device="cuda:99"),
    "the state covers 6 of 12 rows; merge the other parts first.": lambda: part(1).finish(),
    "both states hold 6 of the same rows; merge each part once.": lambda: part(1).merge(part(1)),
    "the states are not parts of one whole: names is ('x', 'y') in one and ('x', 'z') in the other.": lambda: part(1).merge(
        part(2, x=X, z=Y)
    ),
    "the states are not parts of one whole: their features differ (linear/diagonal). Compute both from the same files.": lambda: part(
        1
    ).merge(part(2, x=X, y=Y + np.eye(12, 4))),
    "no measure of this result is called 'rsa'. There are: cka.": lambda: all_pairs({"x": X, "y": Y}).matrix("rsa"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("message", CASES)
def test_message(message):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the text is what is tested
        CASES[message]()
    assert str(raised.value) == message


def test_the_biased_estimator_warns_with_what_unrelated_features_would_score():
    with pytest.warns(UserWarning, match="unrelated features of widths 3 and 4 would score about 0.22 with 12 stimuli."):
        all_pairs({"x": X, "y": Y}, CKA(debiased=False))


def test_files_that_are_no_states(tmp_path):
    path = tmp_path / "x.state"
    with pytest.raises(FileError, match="there is no file"):
        PairState.load(path)
    for content in (b"", b"\x10\0\0\0\0\0\0\0{}", b"\x08\0\0\0\0\0\0\0{}      ", part(1).save(path).read_bytes()[:-9]):
        path.write_bytes(content)
        with pytest.raises(FileError, match="holds no state of a comparison of all pairs, or is damaged"):
            PairState.load(path)
    state = part(1)
    replace(state, tree=SumTree({(0, 0): {"linear/products": np.zeros(3)}})).save(path)
    with pytest.raises(FileError, match=r"is damaged: 'linear/products' has the shape \(3,\) and should have \(2, 2\)"):
        PairState.load(path)
    replace(state, tree=SumTree({(7, 1): state.tree.nodes[0, 0]})).save(path)
    with pytest.raises(InputError, match="the state lacks sums of some of its rows; compute its parts again"):
        PairState.load(path).merge(part(2)).finish()
    with pytest.raises(FileError, match="cannot be written"):
        part(1).save(tmp_path / "no" / "folder" / "x.state")


def test_products_of_three_digits_are_refused():
    import torch

    from isomorph.pairwise._arithmetic import Arithmetic

    torch.set_float32_matmul_precision("high")
    try:
        with pytest.raises(DeviceError, match="torch multiplies float32 with the precision 'high' here, which keeps three digits"):
            Arithmetic("cpu", "float32", library="torch")
        Arithmetic("cpu", "float64", library="torch")
    finally:
        torch.set_float32_matmul_precision("highest")
