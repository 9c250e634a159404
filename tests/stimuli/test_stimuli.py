"""Stimuli: ids, order, laziness, digests, and every way to make them."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isomorph import data
from isomorph.errors import FetchError, FileError, IdError, InputError, ShapeError
from isomorph.stimuli import Stimuli


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(["cat/b.png", "cat/a.png", "dog/c.png"]):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4 + number, 3), (number * 50, 0, 0)).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    (tmp_path / "photos" / ".hidden.png").write_text("hidden")
    return tmp_path / "photos"


def test_a_folder(photos):
    stimuli = Stimuli.from_folder(photos)
    assert stimuli.ids == ("cat/a.png", "cat/b.png", "dog/c.png")
    assert stimuli.labels == ("cat", "cat", "dog")
    assert list(stimuli.metadata["label"]) == ["cat", "cat", "dog"]
    assert list(stimuli.metadata.index) == list(stimuli.ids)
    assert stimuli.ignored == 1
    assert [each.shape for each in stimuli] == [(3, 5, 3), (3, 4, 3), (3, 6, 3)]
    assert "3 pictures" in repr(stimuli)
    assert "1 files ignored" in repr(stimuli)


def test_pattern_chooses(photos):
    assert Stimuli.from_folder(photos, pattern="cat/*").ids == ("cat/a.png", "cat/b.png")


def test_links_are_followed_but_not_in_circles(photos):
    (photos / "dog" / "loop").symlink_to(photos)
    (photos / "again.png").symlink_to(photos / "cat" / "a.png")
    assert Stimuli.from_folder(photos).ids == ("again.png", "cat/a.png", "cat/b.png", "dog/c.png")


def test_doubled_names(photos):
    Image.new("RGB", (2, 2)).save(photos / "cat" / "A.jpg")
    with pytest.raises(IdError, match=r"'cat/A.jpg' and 'cat/a.png'"):
        Stimuli.from_folder(photos)


def test_bad_pictures_are_listed_never_dropped(photos):
    (photos / "cat" / "bad.png").write_text("this is text")
    stimuli = Stimuli.from_folder(photos)
    with pytest.raises(FileError, match=r"cat/bad\.png"):
        list(stimuli)
    assert [each.id for each in stimuli.verify()] == ["cat/bad.png"]
    kept = Stimuli.from_folder(photos, on_error="skip")
    assert kept.ids == ("cat/a.png", "cat/b.png", "dog/c.png")
    assert [(each.id, each.path) for each in kept.skipped] == [("cat/bad.png", str(photos / "cat" / "bad.png"))]
    assert kept.skipped[0].reason == "it is not a picture of a known format: it begins with b'this is text'"
    assert kept[:2].skipped == kept.skipped
    assert "1 skipped" in repr(kept)


def test_nothing_that_can_be_decoded(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(InputError, match="none of 1 stimuli can be decoded"):
        Stimuli.from_folder(tmp_path, on_error="skip")


def test_a_link_to_nothing_is_named(photos):
    (photos / "gone.png").symlink_to(photos / "nowhere.png")
    assert [each.id for each in Stimuli.from_folder(photos).verify()] == ["gone.png"]


def test_files(photos):
    stimuli = Stimuli.from_files([photos / "dog/c.png", photos / "cat/a.png"], metadata={"animate": [1, 0]})
    assert stimuli.ids == ("c.png", "a.png")
    assert list(stimuli.metadata["animate"]) == [1, 0]
    with pytest.raises(IdError, match="given twice"):
        Stimuli.from_files([photos / "cat/a.png", photos / "cat/a.png"])
    (photos / "a.png").write_bytes((photos / "cat/a.png").read_bytes())
    with pytest.raises(IdError, match=r"two files are called 'a\.png'"):
        Stimuli.from_files([photos / "cat/a.png", photos / "a.png"])


def test_take_and_slice(photos):
    stimuli = Stimuli.from_folder(photos)
    digests = stimuli.item_digests
    part = stimuli.take(["dog/c.png", "cat/a.png"])
    assert part.ids == ("dog/c.png", "cat/a.png")
    assert part.labels == ("dog", "cat")
    assert part.item_digests == (digests[2], digests[0])
    assert stimuli[-1].shape == part[0].shape
    assert stimuli[1:].ids == stimuli.ids[1:]
    with pytest.raises(IdError):
        stimuli.take(["cat/zebra.png"])
    with pytest.raises(IdError, match="more than once"):
        stimuli.take(["dog/c.png", "dog/c.png"])
    with pytest.raises(IndexError):
        stimuli[3]


def test_digest_follows_content_order_and_background_not_place(photos, tmp_path):
    stimuli = Stimuli.from_folder(photos)
    photos.rename(tmp_path / "moved")
    moved = tmp_path / "moved"
    assert Stimuli.from_folder(moved).digest != ""
    with pytest.raises(FileError):
        _ = stimuli.digest  # lazy: the files went away
    digest = Stimuli.from_folder(moved).digest
    assert digest == Stimuli.from_folder(moved).digest
    assert digest != Stimuli.from_folder(moved, background=(0, 0, 0)).digest
    assert digest != Stimuli.from_folder(moved).take(["dog/c.png", "cat/a.png", "cat/b.png"]).digest
    Image.new("RGB", (4, 3), (9, 9, 9)).save(moved / "cat" / "a.png")
    assert digest != Stimuli.from_folder(moved).digest


def test_pickles_and_threads(photos):
    stimuli = pickle.loads(pickle.dumps(Stimuli.from_folder(photos)))
    with ThreadPoolExecutor(4) as pool:
        shapes = list(pool.map(lambda row: stimuli[row % 3].shape, range(60)))
    assert shapes == [(3, 5, 3), (3, 4, 3), (3, 6, 3)] * 20


def test_thumbnail(photos):
    content = Stimuli.from_folder(photos).thumbnail(0, size_pixels=2)
    assert content.startswith(b"\xff\xd8")
    with pytest.raises(InputError, match="is a text"):
        Stimuli.from_texts(["apple"]).thumbnail(0)


COLOURS = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def test_layouts_mean_the_same_pictures():
    expected = Stimuli.from_arrays(COLOURS)
    others = [
        Stimuli.from_arrays(COLOURS.transpose(0, 3, 1, 2)),
        Stimuli.from_arrays(COLOURS.transpose(1, 2, 3, 0), layout="HWCN"),
        Stimuli.from_arrays(list(COLOURS)),
        Stimuli.from_arrays(COLOURS / 255),
        Stimuli.from_arrays((COLOURS / 255).astype(np.float32)),
    ]
    for other in others:
        assert np.array_equal(other[3], COLOURS[3])
        assert other.digest == expected.digest
    assert expected.ids == ("0", "1", "2", "3", "4")


def test_gray_arrays_and_arrays_of_different_size():
    gray = Stimuli.from_arrays(COLOURS[..., 0])
    assert np.array_equal(gray[2], np.repeat(COLOURS[2, :, :, :1], 3, axis=2))
    several = Stimuli.from_arrays([COLOURS[0], COLOURS[1, :4, :5]], ids=["a", "b"])
    assert several[1].shape == (4, 5, 3)


def test_what_is_read_may_be_written_over():
    stimuli = Stimuli.from_arrays(COLOURS)
    stimuli[0][:] = 0
    assert np.array_equal(stimuli[0], COLOURS[0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 8, 3), np.uint8), "fits NHWC and NCHW"),
        (np.zeros((9, 8, 3), np.uint8), "may be one colour picture"),
        (np.zeros((9, 8, 8, 4), np.uint8), "fits none of"),
        (np.zeros((9,), np.uint8), "fits none of"),
    ],
)
def test_ambiguous_shapes(array, message):
    with pytest.raises(ShapeError, match=message):
        Stimuli.from_arrays(array)


def test_wrong_numbers():
    with pytest.raises(InputError, match="got int64"):
        Stimuli.from_arrays(COLOURS.astype(np.int64))
    with pytest.raises(InputError, match=r"the picture '0' has floats from .* to 248; they must lie in \[0, 1\]"):
        Stimuli.from_arrays(COLOURS.astype(float))[0]
    with pytest.raises(InputError, match="nan"):
        Stimuli.from_arrays(np.full((1, 4, 4, 3), np.nan))[0]
    with pytest.raises(IdError, match="5 pictures, but there are 2 ids"):
        Stimuli.from_arrays(COLOURS, ids=["a", "b"])


def test_metadata_meets_by_name():
    table = pd.DataFrame({"size": [2, 1]}, index=["b", "a"])
    stimuli = Stimuli.from_arrays(COLOURS[:2], ids=["a", "b"], metadata=table)
    assert list(stimuli.metadata["size"]) == [1, 2]
    with pytest.raises(InputError, match="1 values for 2 stimuli"):
        Stimuli.from_arrays(COLOURS[:2], metadata={"size": [1]})


def test_texts(tmp_path):
    assert Stimuli.from_texts(["apple", "pear"]).ids == ("0", "1")
    assert Stimuli.from_texts({"a": "apple"})[0] == "apple"
    table = pd.DataFrame({"id": ["x", "y"], "text": ["apple", "pear"], "length": [5, 4]})
    stimuli = Stimuli.from_texts(table)
    assert (stimuli.ids, list(stimuli), list(stimuli.metadata["length"])) == (("x", "y"), ["apple", "pear"], [5, 4])
    table.to_csv(tmp_path / "t.csv", index=False)
    assert Stimuli.from_texts(tmp_path / "t.csv").digest == stimuli.digest
    assert Stimuli.from_texts(table, ids="length", column="text").ids == ("5", "4")
    with pytest.raises(InputError, match="no column 'word'"):
        Stimuli.from_texts(table, column="word")
    with pytest.raises(InputError, match="the text '1' is nan"):
        Stimuli.from_texts(["apple", float("nan")])
    with pytest.raises(IdError):
        Stimuli.from_texts(["apple", "pear"], ids=["a", "a"])


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", pictures=COLOURS, ids=list("abcde"), label=list("vwxyz"))
    stimuli = Stimuli.from_npz(tmp_path / "a.npz")
    assert stimuli.ids == tuple("abcde")
    assert stimuli.labels == tuple("vwxyz")
    assert np.array_equal(stimuli[4], COLOURS[4])
    with pytest.raises(InputError, match="holds nothing called 'x'"):
        Stimuli.from_npz(tmp_path / "a.npz", "x")


def test_mat_in_matlab_order(tmp_path):
    from scipy.io import savemat

    savemat(tmp_path / "a.mat", {"pictures": COLOURS.transpose(1, 2, 3, 0)})
    assert Stimuli.from_mat(tmp_path / "a.mat", "pictures").digest == Stimuli.from_arrays(COLOURS).digest


def test_the_92_photographs():
    try:
        path = data.path("kriegeskorte-92", "Kriegeskorte_Neuron2008_supplementalData.mat")
    except FetchError as error:
        pytest.skip(f"the photographs are not at hand: {error}")
    stimuli = Stimuli.from_mat(path, "stimuli_92objs")
    assert len(stimuli) == 92
    assert stimuli[0].shape == (175, 175, 3)
    assert stimuli.metadata["face"].sum() == 24
    assert stimuli.verify() == ()


IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), unique=True, min_size=1, max_size=5)


@settings(max_examples=60, deadline=None)
@given(ids=IDS, seed=st.randoms(use_true_random=False))
def test_digests_tell_apart_what_differs(ids, seed):
    texts = {each: f"text of {each}" for each in ids}
    stimuli = Stimuli.from_texts(texts)
    assert stimuli.digest == Stimuli.from_texts(list(texts.values()), ids=list(texts)).digest
    shuffled = seed.sample(ids, len(ids))
    taken = stimuli.take(shuffled)
    assert (taken.digest == stimuli.digest) == (shuffled == ids)
    assert taken.digest == Stimuli.from_texts({each: texts[each] for each in shuffled}).digest
    assert taken.take(ids).digest == stimuli.digest
    changed = {**texts, ids[0]: "something else"}
    assert Stimuli.from_texts(changed).digest != stimuli.digest
