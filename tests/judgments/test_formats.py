"""Every convention in the wild, there and back."""

import pickle
import warnings
from collections import OrderedDict

import numpy as np
import pytest

from isomorph.errors import FileError, IdError, InputError, NonFiniteError, UnknownNameError
from isomorph.judgments import (
    Triplets,
    check_triplets,
    load_triplets,
    read_alignet,
    read_cblearn,
    read_levels,
    read_nights,
    read_things,
    read_things_csv,
)

ITEMS = np.array([[4, 1, 2], [3, 1, 0], [4, 3, 2], [0, 4, 1]])
NAMES = ("ant", "bee", "cup", "dog", "elk")


def named(trials):
    return [tuple(trials.objects[each] for each in row) for row in trials.items]


@pytest.mark.parametrize(
    ("suffix", "convention"), [(".npy", "things"), (".txt", "things"), (".npy", "cblearn"), (".txt", "cblearn"), (".csv", "things-csv")]
)
def test_numbered_conventions_there_and_back(tmp_path, suffix, convention):
    trials = Triplets(items=ITEMS, objects=tuple(map(str, range(5))))
    path = tmp_path / f"t{suffix}"
    trials.save(path, convention)
    again = load_triplets(path, convention, objects=5)
    assert again.items.tolist() == ITEMS.tolist()
    assert again.objects == trials.objects


def test_where_each_convention_has_the_odd_one(tmp_path):
    np.savetxt(tmp_path / "t.txt", [[7, 1, 2], [0, 3, 4]], fmt="%d")
    assert named(read_things(tmp_path / "t.txt", objects="abcdefgh"))[0] == ("h", "b", "c")
    assert named(read_cblearn(tmp_path / "t.txt", objects="abcdefgh"))[0] == ("b", "c", "h")
    (tmp_path / "t.csv").write_text(
        "trial\timage1\timage2\timage3\tchoice\tRT\twho\n9\t1\t2\t3\t1\t800\tx\n9\t3\t2\t5\t2\t\ty\n9\t1\t4\t5\t3\t1200\tx\n"
    )
    trials = read_things_csv(tmp_path / "t.csv", objects=NAMES, time_column="RT", participant_column="who")
    assert named(trials) == [("bee", "cup", "ant"), ("cup", "elk", "bee"), ("ant", "dog", "elk")]
    assert trials.participants == ("x", "y", "x")
    np.testing.assert_array_equal(trials.response_times, [0.8, np.nan, 1.2])


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_our_own_files_hold_everything(tmp_path, suffix):
    soft = np.array([[0.5, 0.3, 0.2]] * 4)
    trials = Triplets(
        items=ITEMS, objects=NAMES, similarities=np.arange(12.0).reshape(4, 3) / 7, soft=soft, response_times=np.array([0.5, 1, np.nan, 2]),
        participants=tuple("abca"), task="odd-one-out", source="a test",
    )  # fmt: skip
    trials.save(tmp_path / f"t{suffix}")
    again = Triplets.load(tmp_path / f"t{suffix}")
    assert again.digest == trials.digest
    two = Triplets(items=ITEMS, objects=NAMES, task="two-alternative")
    two.save(tmp_path / f"two{suffix}")
    assert Triplets.load(tmp_path / f"two{suffix}").digest == two.digest


def test_what_is_lost_is_said(tmp_path):
    trials = Triplets(items=ITEMS, objects=NAMES, participants=tuple("abca"))
    with pytest.warns(UserWarning, match="'things' has no place for participants, objects"):
        trials.save(tmp_path / "t.txt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Triplets(items=ITEMS, objects=tuple("01234")).save(tmp_path / "t.txt")
    with pytest.raises(InputError, match="two-alternative"):
        Triplets(items=ITEMS, objects=NAMES, task="two-alternative").save(tmp_path / "t.txt")
    with pytest.raises(InputError, match=r"written as \.npy or \.txt"):
        trials.save(tmp_path / "t.csv", "cblearn")
    with pytest.raises(UnknownNameError):
        trials.save(tmp_path / "t.csv", "vice")


def test_files_that_count_from_one(tmp_path):
    path = tmp_path / "one.txt"
    np.savetxt(path, ITEMS + 1, fmt="%d")
    with pytest.raises(FileError, match="never 0: it seems to count from 1"):
        load_triplets(path)
    with pytest.raises(FileError, match="there are 5 objects: it counts from 1"):
        load_triplets(path, objects=NAMES)
    assert load_triplets(path, base=1, objects=NAMES).items.tolist() == ITEMS.tolist()
    assert load_triplets(path, base=0).items.tolist() == (ITEMS + 1).tolist()
    np.savetxt(path, ITEMS, fmt="%d")
    with pytest.raises(FileError, match="counts from 0, not from 1"):
        load_triplets(path, base=1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0 1\n2 3\n", FileError),
        ("0 1 2 3\n", FileError),
        ("0 1 x\n", FileError),
        ("0 1 2.5\n", FileError),
        ("0 1 nan\n", FileError),
        ("", FileError),
        ("0 1 2\n0 1\n", FileError),
        ("0 1 9\n", IdError),
        ("0 1 -2\n", IdError),
        ("0 1 1\n", InputError),
        ("2 2 2\n", InputError),
    ],
)
def test_bad_text_files(tmp_path, text, kind):
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(kind, match=r"t\.txt"):
        load_triplets(tmp_path / "t.txt", objects=NAMES)


def test_hostile_arrays_are_refused(tmp_path):
    np.save(tmp_path / "o.npy", np.array([[0, 1, {}]], dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="pickled Python objects"):
        load_triplets(tmp_path / "o.npy")
    np.savez(tmp_path / "o.npz", indices=ITEMS, similarities=np.array([[{}] * 3] * 4))
    with pytest.raises(FileError, match="pickled Python objects"):
        load_triplets(tmp_path / "o.npz")
    np.savez_compressed(tmp_path / "big.npz", indices=np.zeros((100_000, 3), dtype=int), similarities=np.zeros((100_000, 3)))
    with pytest.raises(FileError, match="over the limit of 1,000"):
        read_alignet(tmp_path / "big.npz", limit_bytes=1000)
    whole = (tmp_path / "big.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "flipped.npz").write_bytes(bytes([*whole[:200], *(255 - each for each in whole[200:260]), *whole[260:]]))
    for name in ("cut.npz", "flipped.npz"):
        with pytest.raises(FileError, match=r"cannot be read|unpacks"):
            read_alignet(tmp_path / name)


def alignet_file(path, *, rows=500, pictures=60, sort=True, **changes):
    rng = np.random.default_rng(0)
    indices = np.array([rng.choice(pictures, 3, replace=False) for _ in range(rows)]) * 1000
    similarities = rng.normal(size=(rows, 3)).astype(np.float32)
    if sort:
        similarities = -np.sort(-similarities, axis=1)
    names = np.char.add(np.char.add("n", indices.astype(str)), ".JPEG")
    np.savez_compressed(path, **{"indices": indices, "similarities": similarities, "filenames": names} | changes)
    return indices, similarities


@pytest.mark.parametrize("names", ["filenames", "indices"])
def test_alignet(tmp_path, names, monkeypatch):
    from isomorph.judgments import _alignet

    monkeypatch.setattr(_alignet, "_BLOCK_ROWS", 64)
    indices, similarities = alignet_file(tmp_path / "a.npz")
    trials = load_triplets(tmp_path / "a.npz", names=names)
    expected = [tuple(f"n{each}.JPEG" if names == "filenames" else str(each) for each in row) for row in indices]
    assert named(trials) == expected
    assert trials.similarities.dtype == np.float32
    np.testing.assert_array_equal(trials.similarities, similarities)
    report = check_triplets(trials)
    assert (report.odd_last, report.third_smallest) == (1, 1)
    trials.save(tmp_path / "b.npz", "alignet")
    assert named(load_triplets(tmp_path / "b.npz")) == (expected if names == "filenames" else named(trials))


def test_alignet_files_are_verified(tmp_path):
    path = tmp_path / "a.npz"
    alignet_file(path, sort=False)
    with pytest.warns(UserWarning, match=r"in 6\d\.\d\d% of trials"):
        trials = read_alignet(path)
    assert check_triplets(trials).odd_last == pytest.approx(1 / 3, abs=0.08)
    indices, _ = alignet_file(path)
    names = np.char.add("n", indices.astype(str))
    names[-1, 0] = "other"
    alignet_file(path, filenames=names)
    with pytest.raises(FileError, match="one index has two file names"):
        read_alignet(path)
    for changes, kind in [
        ({"similarities": np.zeros((500, 2))}, FileError),
        ({"similarities": np.zeros((400, 3))}, FileError),
        ({"similarities": np.full((500, 3), np.nan)}, NonFiniteError),
        ({"indices": indices * 0, "filenames": np.full((500, 3), "a")}, InputError),
        ({"indices": indices - 5000}, FileError),
        ({"indices": indices.astype(float)}, FileError),
        ({"filenames": names[:400]}, FileError),
        ({"filenames": indices}, FileError),
    ]:
        alignet_file(path, **changes)
        with pytest.raises(kind, match=r"a\.npz"):
            read_alignet(path)


def levels(time=512.0):
    trial = {
        "image1Path": "images/n01_1.JPEG", "image2Path": "images/n02_1.JPEG", "image3Path": "images/n01_2.JPEG",
        "selected_image": "n02_1.JPEG", "exp_trial_type": "exp_trial", "triplet_type": "class_border", "rt": time,
    }  # fmt: skip
    practice = trial | {"exp_trial_type": "practice"}
    return {"p1": [trial, practice], "p2": [trial | {"triplet_type": "between_class", "selected_image": "images/n01_1.JPEG"}]}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("wrap", [dict, OrderedDict])
def test_levels_at_every_pickle_protocol(tmp_path, protocol, wrap):
    path = tmp_path / "pruned_dataset.pkl"
    path.write_bytes(pickle.dumps(wrap(levels(np.float64(512))), protocol=protocol))
    trials = load_triplets(path, time_key="rt")
    assert named(trials) == [("n01_1.JPEG", "n01_2.JPEG", "n02_1.JPEG"), ("n02_1.JPEG", "n01_2.JPEG", "n01_1.JPEG")]
    assert trials.participants == ("p1", "p2")
    assert trials.response_times.tolist() == [0.512, 0.512]
    assert "1 other trials left out" in trials.source
    assert len(read_levels(path, triplet_type="class_border")) == 1


class Attack:
    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


def test_pickles_that_call_things_are_refused_and_not_run(tmp_path):
    import builtins
    import os
    import subprocess

    witness = tmp_path / "ran"
    path = tmp_path / "evil.pkl"
    for call in [
        (os.mkdir, (str(witness),)),
        (builtins.eval, (f"open({str(witness)!r}, 'w')",)),
        (subprocess.run, (["touch", str(witness)],)),
    ]:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            path.write_bytes(pickle.dumps({"p1": [Attack(call)]}, protocol=protocol))
            with pytest.raises(FileError, match="Nothing of it was run"):
                read_levels(path)
    assert not witness.exists()


def test_damaged_pickles(tmp_path):
    path = tmp_path / "p.pkl"
    whole = pickle.dumps(levels())
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(len(whole), size=3):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(1, len(whole) + 1)])
        try:
            read_levels(path)
        except (FileError, InputError):
            continue
    path.write_bytes(whole[:-1])
    with pytest.raises(FileError, match="cannot be read as a pickle of plain data"):
        read_levels(path)
    for content, said in [
        ([1], "dict of participants"),
        ({"p": 3}, "no list of trials"),
        ({"p": [{}]}, "no text 'image1Path'"),
        ({}, "no trials"),
    ]:
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(FileError, match=said):
            read_levels(path)


def test_nights(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(
        "id,left_vote,right_vote,extra,ref_path,left_path,right_path,votes,split,is_imagenet\n"
        "1,0,1,a,r1,l1,r1b,7,train,True\n2,1,0,a,r2,l2,r2b,6,val,False\n3,1,0.25,a,r3,l3,r3b,8,val,False\n4,1,1,a,r4,l4,r4b,3,val,False\n"
    )
    trials = load_triplets(path)
    assert trials.task == "two-alternative"
    assert named(trials) == [("r1", "r1b", "l1"), ("r2", "l2", "r2b"), ("r3", "l3", "r3b")]
    assert trials.soft.tolist() == [[1, 0, 0], [1, 0, 0], [0.75, 0.25, 0]]
    assert len(read_nights(path, split="val", minimum_votes=None)) == 3
    assert "2 of 4 rows left out" in read_nights(path, split="val").source
    path.write_text(path.read_text().replace("0.25", "2.5"))
    with pytest.raises(FileError, match="share of people"):
        read_nights(path)


def test_objects_may_be_called_what_tables_take_for_nothing(tmp_path):
    trials = Triplets(items=np.array([[0, 1, 2]]), objects=("NA", "nan", "null"))
    trials.save(tmp_path / "t.csv")
    assert load_triplets(tmp_path / "t.csv").digest == trials.digest


def test_bad_tables(tmp_path):
    path = tmp_path / "t.csv"
    for text, said in [
        ("image1\timage2\timage3\n1\t2\t3\n", "no column"),
        ("image1\timage2\timage3\tchoice\n1\t2\t3\t4\n", "choice is 1, 2 or 3"),
        ("image1\timage2\timage3\tchoice\n1\t2\tx\t3\n", "holds numbers, but row 0 has 'x'"),
        ("image1\timage2\timage3\tchoice\n1\t2\t\t3\n", "holds whole numbers"),
        ("image1\timage2\timage3\tchoice\n0\t2\t3\t3\n", "counts from 0"),
    ]:
        path.write_text(text)
        with pytest.raises(FileError, match=said):
            read_things_csv(path)
    path.write_text("first,second,odd\n")
    with pytest.raises(FileError, match="holds no trials"):
        load_triplets(path)
    with pytest.raises(FileError, match="there is no file"):
        load_triplets(tmp_path / "gone.txt")
    with pytest.raises(UnknownNameError, match="no triplet format is called 'thing'"):
        load_triplets(path, "thing")
    with pytest.raises(FileError, match="no such option"):
        load_triplets(path, "nights", base=1)
