"""ArrayRecord files of TensorFlow's data sets, written here by the package's own writer."""

import io
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, IdError, InputError, MissingDependencyError
from isomorph.stimuli import Stimuli
from isomorph.store import Store

try:
    from array_record.python.array_record_module import ArrayRecordWriter
except ImportError:
    ArrayRecordWriter = None

WNIDS = ["n01440764", "n01443537", "n01484850"]


def jpeg(value):
    file = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 255, size=(8 + value % 3, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "jpeg", quality=95)
    return file.getvalue()


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(**values):
    """The message: bytes are a list of bytes, numbers a list of whole numbers."""
    entries = b""
    for name, value in values.items():
        values_of = [value] if not isinstance(value, list) else value
        if all(isinstance(each, bytes) for each in values_of):
            feature = field(1, b"".join(field(1, each) for each in values_of))
        else:
            feature = field(3, field(1, b"".join(varint(each % (1 << 64)) for each in values_of)))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()


def shard(folder, number, split="train", count=3):
    return folder / f"imagenet2012-{split}.array_record-{number:05}-of-{count:05}"


def name(value):
    return f"{WNIDS[value % 3]}_{value}.JPEG"


def records(first, count):
    return [example(image=jpeg(value), label=value % 3, file_name=name(value).encode()) for value in range(first, first + count)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    if ArrayRecordWriter is None:
        pytest.skip("the package array_record is not installed (extra array-record)")
    folder = tmp_path_factory.mktemp("imagenet2012")
    for number in range(3):
        write(shard(folder, number), records(5 * number, 5))
    write(shard(folder, 0, "test", 1), [example(image=jpeg(99), label=-1, file_name=b"t.JPEG")])
    (folder / "label.labels.txt").write_text("\n".join(WNIDS) + "\n")
    (folder / "features.json").write_text("{}")
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "imagenet2012")


def said(error, text):
    return pytest.raises(error, match="^" + re.escape(text) + "$")


def test_pictures_labels_and_order(folder, tmp_path):
    stimuli = Stimuli.from_shards(folder)
    assert stimuli.ids == tuple(map(name, range(15)))
    assert stimuli.labels == tuple(WNIDS[value % 3] for value in range(15))
    assert stimuli.metadata["class_index"].tolist() == [value % 3 for value in range(15)]
    paths = [tmp_path / name(value) for value in range(15)]
    for value, path in enumerate(paths):
        path.write_bytes(jpeg(value))
    loose = Stimuli.from_files(paths)
    assert stimuli.digest == loose.digest  # so that either finds the other's work in a store
    assert all(np.array_equal(one, two) for one, two in zip(stimuli, loose, strict=True))
    assert stimuli.take([name(7), name(2)]).labels == ("n01443537", "n01484850")
    assert np.array_equal(stimuli.take([name(7), name(2)])[1], loose[2])


def test_a_split_without_classes_and_no_names(folder):
    assert Stimuli.from_shards(folder, "test").labels is None
    (folder / "label.labels.txt").unlink()
    assert Stimuli.from_shards(folder).labels[:4] == ("0", "1", "2", "0")


def test_any_order_many_threads_and_forks(folder):
    stimuli = Stimuli.from_shards(folder)
    wanted = [np.array(each) for each in stimuli]
    order = np.random.default_rng(0).permutation(15).tolist() * 10
    child = os.fork()
    with ThreadPoolExecutor(4) as pool:
        right = all(pool.map(lambda row: np.array_equal(stimuli[row], wanted[row]), order))
    if not child:
        os._exit(0 if right else 1)
    assert right
    assert os.waitpid(child, 0)[1] == 0


def test_the_index_is_kept(folder, tmp_path, monkeypatch):
    from isomorph.stimuli import _record_index

    store = Store(tmp_path / "store")
    first = Stimuli.from_shards(folder, store=store)
    monkeypatch.setattr(_record_index, "features", None)  # nothing is parsed again
    again = Stimuli.from_shards(folder, store=store)
    assert again.ids == first.ids
    assert again.digest == first.digest
    assert again.labels == first.labels


def test_a_folder_is_named_as_a_set_of_stimuli(folder):
    from isomorph.benchmarks import load_stimuli

    assert load_stimuli(folder).ids == tuple(map(name, range(15)))
    assert len(list(Store().path.rglob("manifest.json"))) == 3


def test_names_that_stand_twice_or_not_at_all(folder):
    write(shard(folder, 1), records(3, 1))
    places = "in imagenet2012-train.array_record-00000-of-00003, record 3, and in imagenet2012-train.array_record-00001-of-00003, record 0"
    with said(IdError, f"the name {name(3)!r} stands twice in {folder}: {places}. Pass shard_in_id=True to tell them apart."):
        Stimuli.from_shards(folder)
    assert Stimuli.from_shards(folder, shard_in_id=True).ids[5] == f"1/{name(3)}"
    write(shard(folder, 1), [example(image=jpeg(0), label=0)])
    with said(
        FileError,
        f"record 0 of the shard {shard(folder, 1)} has no 'file_name' to be its id. Pass shard_in_id=True for ids of the numbers of shard "
        "and record.",
    ):
        Stimuli.from_shards(folder)
    assert Stimuli.from_shards(folder, shard_in_id=True).ids[5] == "1/0"


def test_shards_that_are_missing_or_too_many(folder):
    shard(folder, 1).rename(folder / "other")
    with said(FileError, f"{folder} lacks 1 of its 3 shards; the first is {shard(folder, 1).name}. Fetch it."):
        Stimuli.from_shards(folder)
    (folder / "other").rename(shard(folder, 1))
    with said(FileError, f"{folder} has no ArrayRecord files of the split 'validation'; it has 'test', 'train'."):
        Stimuli.from_shards(folder, "validation")
    extra = shutil.copy(shard(folder, 0), shard(folder, 3))
    with said(FileError, f"{folder} has more shards than 3; the first is {extra.name}. Remove it."):
        Stimuli.from_shards(folder)
    extra.rename(shard(folder, 0, count=9))
    with said(
        FileError,
        f"{folder} has 2 sets of shards of 'train': 'imagenet2012' in 3 and 'imagenet2012' in 9. Keep one of them in a folder.",
    ):
        Stimuli.from_shards(folder)


@pytest.mark.parametrize("size", [0, 10, 5000, -1])
def test_a_shard_that_is_cut_short(folder, size):
    path = shard(folder, 2)
    path.write_bytes(path.read_bytes()[:size])
    with said(
        FileError,
        f"the shard {path} is no whole ArrayRecord file: it is cut short, damaged or something else. Fetch or write the shard again.",
    ):
        Stimuli.from_shards(folder)


def test_a_shard_that_is_damaged_inside(folder):
    path = shard(folder, 1)
    content = bytearray(path.read_bytes())
    content[100] ^= 255
    path.write_bytes(content)
    pattern = rf"record \d of the shard {re.escape(str(path))} cannot be read: .*hash mismatch.*\. Fetch or write the shard again\."
    with pytest.raises(FileError, match=f"^{pattern}$"):
        Stimuli.from_shards(folder)


def test_a_shard_that_changes_after_it_was_indexed(folder):
    stimuli = Stimuli.from_shards(folder)
    path = shard(folder, 0)
    write(path, records(20, 5))
    with said(
        FileError,
        f"stimulus {name(0)!r} cannot be read: the shard {path} has changed since it was indexed; make the stimuli again with from_shards.",
    ):
        stimuli[0]
    path.unlink()
    with said(FileError, f"stimulus {name(0)!r} cannot be read: the shard {path} cannot be read: No such file or directory."):
        stimuli[0]


def test_records_that_are_something_else(folder):
    path, again = shard(folder, 1), "Fetch or write the shard again."
    for record, text in (
        (b"\x0a\x05abc", f"is no tf.train.Example: field 1 claims 5 bytes where 3 are left. {again}"),
        (
            example(label=1, picture=b"x"),
            "needs one encoded picture as its feature 'image' and has 0; its features: 'label', 'picture'.",
        ),
        (example(image=[b"x", b"y"]), "needs one encoded picture as its feature 'image' and has 2; its features: 'image'."),
        (b"", "needs one encoded picture as its feature 'image' and has 0; its features: none."),
    ):
        write(path, [*records(5, 1), record])
        with said(FileError, f"record 1 of the shard {path} {text}"):
            Stimuli.from_shards(folder)
    for more, why in (
        ({"file_name": [b"a", b"b"]}, "2 names and 0 classes, or a name of more than 4,096 bytes"),
        ({"file_name": b"a" * 5000}, "1 names and 0 classes, or a name of more than 4,096 bytes"),
    ):
        write(path, [example(image=jpeg(1), **more)])
        with said(FileError, f"record 0 of the shard {path}: its 'file_name' or 'label' is damaged: {why}. {again}"):
            Stimuli.from_shards(folder)


def test_classes_that_are_missing(folder):
    path = shard(folder, 1)
    for more, what in (({}, "no class"), ({"label": -1}, "the class -1")):
        write(path, [example(image=jpeg(1), file_name=b"x.JPEG", **more)])
        with said(FileError, f"'x.JPEG' (shard 1, record 0) has {what}, but others of {folder} have one of 0 or more."):
            Stimuli.from_shards(folder)
    write(path, [example(image=jpeg(1), file_name=b"x.JPEG", label=3)])
    with said(FileError, f"{folder / 'label.labels.txt'} has 3 names, but there is a picture of class 3 (they count from 0)."):
        Stimuli.from_shards(folder)


def test_a_picture_that_cannot_be_decoded_and_empty_shards(folder):
    write(shard(folder, 1), [example(image=b"I am text", label=0, file_name=b"bad.JPEG")])
    with pytest.raises(FileError, match=r"^stimulus 'bad\.JPEG' \(.*00001-of-00003, record 0\) cannot be decoded: it is not a picture"):
        Stimuli.from_shards(folder).take(["bad.JPEG"])[0]
    kept = Stimuli.from_shards(folder, on_error="skip")
    assert [each.id for each in kept.skipped] == ["bad.JPEG"]
    assert len(kept) == 10
    for number in range(3):
        write(shard(folder, number), [])
    with said(InputError, f"{folder} has no pictures: its 3 shards of 'train' have no records."):
        Stimuli.from_shards(folder, store=Store())


def test_without_the_package(tmp_path, monkeypatch):
    shard(tmp_path, 0, count=1).write_bytes(b"content")
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_module", None)
    with said(
        MissingDependencyError,
        f"the shard {shard(tmp_path, 0, count=1).name} needs the package 'array_record', which is not installed. "
        "Run: pip install 'isomorph[array-record]'",
    ):
        Stimuli.from_shards(tmp_path)
