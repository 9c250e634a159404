"""Tar shards: what they hold, in which order, whatever is wrong with them."""

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from isomorph.errors import FileError, IdError, InputError
from isomorph.stimuli import Stimuli
from isomorph.store import Store

CLASSES = ["cat", "dog", "saw"]


def picture(value, kind="png"):
    file = io.BytesIO()
    Image.new("RGB", (4 + value % 3, 3), (value % 256, 10, 20)).save(file, kind, **({"lossless": True} if kind == "webp" else {}))
    return file.getvalue()


def write_shard(path, members, *, kind=tarfile.USTAR_FORMAT):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=kind) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def samples(first, count, kind="webp"):
    for value in range(first, first + count):
        yield f"s{value:07d}.{kind}", picture(value, kind)
        yield f"s{value:07d}.cls", str(value % 3).encode()


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        write_shard(tmp_path / "train" / f"{number}.tar", samples(number * 5, 5))
    (tmp_path / "train" / "nshards.txt").write_text("3\n")
    (tmp_path / "classnames.txt").write_text("\n".join(CLASSES))
    (tmp_path / "dataset_type.txt").write_text("classification")
    return tmp_path


def refuse(folder, members, match, error=FileError, **options):
    write_shard(folder / "train" / "1.tar", members)
    with pytest.raises(error, match=match):
        Stimuli.from_shards(folder, **options)


def test_pictures_labels_and_order(folder):
    stimuli = Stimuli.from_shards(folder)
    assert stimuli.ids == tuple(f"s{value:07d}" for value in range(15))
    assert stimuli.labels == tuple(CLASSES[value % 3] for value in range(15))
    assert stimuli.metadata["class_index"].tolist() == [value % 3 for value in range(15)]
    assert [int(each[0, 0, 0]) for each in stimuli] == list(range(15))
    assert stimuli[4].shape == (3, 5, 3)
    assert stimuli.ignored == 0
    assert stimuli.balanced(6, name="tiny").subset.counts == {"cat": 2, "dog": 2, "saw": 2}


def test_any_order_and_many_threads(folder):
    stimuli = Stimuli.from_shards(folder)
    order = np.random.default_rng(0).permutation(15).tolist() * 5
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda row: int(stimuli[row][0, 0, 0]), order))
    assert values == order
    assert stimuli.take(["s0000012", "s0000003"])[0][0, 0, 0] == 12


def test_work_resumes_exactly_where_it_stopped(folder):
    whole = [each.tobytes() for each in Stimuli.from_shards(folder)]
    first = [each.tobytes() for each in Stimuli.from_shards(folder)[:7]]
    rest = [each.tobytes() for each in Stimuli.from_shards(folder)[7:]]
    assert first + rest == whole
    assert Stimuli.from_shards(folder)[:7].digest == Stimuli.from_shards(folder)[:7].digest


def test_the_same_bytes_are_the_same_stimuli_in_a_folder(folder):
    shards = Stimuli.from_shards(folder)
    loose = folder / "loose"
    loose.mkdir()
    for value in range(15):
        (loose / f"{value}.webp").write_bytes(picture(value, "webp"))
    files = Stimuli.from_files([loose / f"{value}.webp" for value in range(15)], ids=shards.ids)
    assert files.item_digests == shards.item_digests
    assert files.digest == shards.digest


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_dialect_and_long_names(tmp_path, kind):
    name = "a folder/" + "ü" * 120
    write_shard(tmp_path / "train" / "0.tar", [(f"{name}.JPG" if kind != tarfile.USTAR_FORMAT else "x.JPG", picture(1, "jpeg"))], kind=kind)
    (tmp_path / "train" / "nshards.txt").write_text("1")
    stimuli = Stimuli.from_shards(tmp_path)
    assert stimuli.ids == (("x",) if kind == tarfile.USTAR_FORMAT else (name,))
    assert stimuli.labels is None


def test_names_that_are_no_text(folder):
    path = folder / "train" / "1.tar"
    info = tarfile.TarInfo("k\xfche.png")
    path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT, "latin-1") + b"\0" * 1024)
    with pytest.raises(FileError, match=r"the name is not UTF-8"):
        Stimuli.from_shards(folder)


def test_captions_targets_folders_and_other_files(tmp_path):
    array = io.BytesIO()
    np.save(array, np.array([0, 1, 1]))
    members = [
        ("./", None),
        ("./a.b.png", b"a key ends at the first dot"),
        ("./a.png", picture(1)),
        ("./a.txt", "a cät".encode()),
        ("./a.npy", array.getvalue()),
        ("./a.json", b"{}"),
        ("./._a.png", b"left by a Mac"),
        ("./__note__.txt", b"about the shard"),
    ]
    members[0] = (tarfile.TarInfo("./"), None)
    members[0][0].type = tarfile.DIRTYPE
    write_shard(tmp_path / "test" / "0.tar", members)
    (tmp_path / "test" / "nshards.txt").write_text("1")
    stimuli = Stimuli.from_shards(tmp_path, "test")
    assert stimuli.ids == ("a",)
    assert stimuli.metadata.loc["a", "text"] == "a cät"
    assert stimuli.metadata.loc["a", "targets"] == (0, 1, 1)
    assert stimuli.ignored == 4


def test_class_names_that_stand_twice_stay_apart(folder):
    (folder / "classnames.txt").write_text("crane\ndog\ncrane\n")
    assert Stimuli.from_shards(folder).labels[:3] == ("crane (0)", "dog", "crane (2)")
    (folder / "classnames.txt").unlink()
    assert Stimuli.from_shards(folder).labels[:3] == ("0", "1", "2")


def test_the_index_is_kept_and_only_for_the_same_shard(folder, tmp_path):
    store = tmp_path / "store"
    first = Stimuli.from_shards(folder, store=store)
    kept = list(Store(store).entries())
    assert [each.kind for each in kept] == ["shard-index"] * 3
    again = Stimuli.from_shards(folder, store=Store(store))
    assert (again.ids, again.labels, again.digest) == (first.ids, first.labels, first.digest)
    assert len(list(Store(store).entries())) == 3
    write_shard(folder / "train" / "1.tar", samples(5, 4))
    assert len(Stimuli.from_shards(folder, store=store)) == 14
    assert len(list(Store(store).entries())) == 4


def test_a_shard_that_changed_meanwhile(folder):
    stimuli = Stimuli.from_shards(folder)
    write_shard(folder / "train" / "1.tar", samples(50, 6))
    assert stimuli[0][0, 0, 0] == 0
    with pytest.raises(FileError, match=r"1\.tar has changed since it was indexed"):
        stimuli[6]
    with pytest.raises(FileError, match="has changed"):
        _ = stimuli.item_digests
    (folder / "train" / "1.tar").unlink()
    with pytest.raises(FileError, match=r"'s0000006' \(.*1\.tar, byte [\d,]+\) cannot be read: No such file"):
        stimuli[6]


def test_every_cut_is_noticed(folder):
    path = folder / "train" / "2.tar"
    whole = path.read_bytes()
    end = max(at for at in range(0, len(whole), 512) if whole[at : at + 512].strip(b"\0")) + 512
    for size in [*range(0, end + 1, 256), end + 100]:
        path.write_bytes(whole[:size])
        with pytest.raises(FileError, match=r"2\.tar"):
            Stimuli.from_shards(folder)
    path.write_bytes(whole[: end + 512])  # one empty block is enough to know the end
    assert len(Stimuli.from_shards(folder)) == 15


def test_a_cut_says_where(folder):
    path = folder / "train" / "2.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[:530])
    with pytest.raises(
        FileError, match=r"2\.tar is cut short: 's0000010\.webp' at byte 0 has \d+ bytes, but the file ends \d+ bytes too early"
    ):
        Stimuli.from_shards(folder)
    path.write_bytes(whole[:2048])
    with pytest.raises(FileError, match=r"cut short: it ends at byte 2,048, after 's0000010\.cls', without the empty blocks"):
        Stimuli.from_shards(folder)


def test_damage_in_the_middle_and_joined_archives(folder):
    path = folder / "train" / "2.tar"
    whole = bytearray(path.read_bytes())
    whole[2048:2058] = b"\xff" * 10
    path.write_bytes(whole)
    with pytest.raises(FileError, match=r"damaged at byte 2,048, after 's0000010\.cls': no header is there"):
        Stimuli.from_shards(folder)
    other = (folder / "train" / "1.tar").read_bytes()
    path.write_bytes(other + other)
    with pytest.raises(FileError, match=r"2\.tar is damaged at byte"):
        Stimuli.from_shards(folder)


def test_compressed_empty_and_other_files(folder):
    path = folder / "train" / "2.tar"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(FileError, match="it is compressed, which leaves no random access; unpack it"):
        Stimuli.from_shards(folder)
    for content in (b"", b"hello" * 400):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"2\.tar is no plain tar file"):
            Stimuli.from_shards(folder)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(folder, kind):
    info = tarfile.TarInfo("evil.png")
    info.type, info.linkname = kind, "/etc/passwd"
    word = "a link" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "a device"
    refuse(folder, [(info, None)], rf"1\.tar holds 'evil\.png' at byte 0, which is {word}")


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "a\\..\\evil.png"])
def test_paths_that_lead_out_are_refused(folder, name):
    refuse(folder, [("a.png", picture(1)), (name, picture(2))], r"1\.tar holds .* at byte 1,024, a path that leads out")


def test_headers_that_lie_are_refused(folder, tmp_path):
    path = folder / "train" / "1.tar"
    for size in ("-512", "-1024", "99999999999999999999"):
        info = tarfile.TarInfo("a.png")
        info.pax_headers = {"size": size}
        path.write_bytes(info.tobuf(tarfile.PAX_FORMAT) + b"\0" * 2048)
        with pytest.raises(FileError, match=r"1\.tar"):
            Stimuli.from_shards(folder)
    info = tarfile.TarInfo("./@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 5 << 20
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"a" * (5 << 20))
    with pytest.raises(FileError, match="a header of 5,242,880 bytes"):
        Stimuli.from_shards(folder)
    info.size = 512
    path.write_bytes((info.tobuf(tarfile.GNU_FORMAT) + b"a" * 512) * 5000)
    with pytest.raises(FileError, match=r"1\.tar is no plain tar file"):
        Stimuli.from_shards(folder)


def test_a_picture_may_not_be_endless(folder):
    path = folder / "train" / "1.tar"
    info = tarfile.TarInfo("a.png")
    info.size = (1 << 28) + 1
    with path.open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(info.size + 4096)
    with pytest.raises(FileError, match="with 268,435,457 bytes; at most 268,435,456 are read"):
        Stimuli.from_shards(folder)
    refuse(folder, [("a.png", picture(1)), ("a.cls", b"1" * 65)], "with 65 bytes; at most 64 are read")


def test_doubled_keys(folder):
    twice = [("a.png", picture(1)), ("a.cls", b"0"), ("a.png", picture(2))]
    refuse(folder, twice, r"1\.tar holds the key 'a' twice: 'a\.png' at byte 512 and 'a\.png' at byte 2,560", IdError)
    refuse(folder, [("a.png", picture(1)), ("a.webp", picture(2, "webp"))], r"'a\.png' at byte 512 and 'a\.webp'", IdError)
    refuse(folder, samples(0, 1), r"'s0000000' stands twice in .*: in 0\.tar at byte 512 and in 1\.tar at byte 512", IdError)
    assert Stimuli.from_shards(folder, shard_in_id=True).ids[4:7] == ("0/s0000004", "1/s0000000", "2/s0000010")


def test_what_does_not_belong_together(folder):
    refuse(folder, [("a.cls", b"0")], r"1 keys have no picture; the first is 'a' \(it has \.cls\)\. Are all 3 shards of .* whole\?")
    refuse(folder, [("a.png", picture(1))], r"1 of 11 pictures have no \.cls beside them; the first is 'a'")
    refuse(folder, [("a.png", picture(1)), ("a.cls", b"dog")], r"\.cls of the key 'a' must be a whole number of 0 or more; it is b'dog'")
    refuse(folder, [("a.png", picture(1)), ("a.cls", b"3")], r"classnames\.txt has 3 names, but there is a picture of class 3")
    write_shard(folder / "train" / "1.tar", samples(5, 5))
    (folder / "dataset_type.txt").write_text("retrieval")
    with pytest.raises(FileError, match=r"says 'retrieval', but no picture has a \.txt beside it"):
        Stimuli.from_shards(folder)


def test_an_array_that_would_run_code(folder):
    array = io.BytesIO()
    np.save(array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for number in range(3):
        write_shard(folder / "train" / f"{number}.tar", [(f"{number}.png", picture(1)), (f"{number}.npy", array.getvalue())])
    with pytest.raises(FileError, match=r"\.npy of the key '0' cannot be read as an array"):
        Stimuli.from_shards(folder)


def test_the_number_of_shards(folder):
    train = folder / "train"
    (train / "1.tar").rename(train / "3.tar")
    with pytest.raises(FileError, match=r"lacks 1 of its 3 shards; the first is 1\.tar"):
        Stimuli.from_shards(folder)
    write_shard(train / "1.tar", samples(5, 5))
    with pytest.raises(FileError, match=r"has 1 more shards than the 3 of nshards\.txt; the first is 3\.tar"):
        Stimuli.from_shards(folder)
    for text in ("three", "0", "-1", "9" * 50):
        (train / "nshards.txt").write_text(text)
        with pytest.raises(FileError, match="must hold the number of shards"):
            Stimuli.from_shards(folder)
    (train / "nshards.txt").unlink()
    with pytest.raises(FileError, match=r"has no nshards\.txt"):
        Stimuli.from_shards(folder)
    with pytest.raises(FileError, match="is not there; a folder of tar shards"):
        Stimuli.from_shards(folder, "validation")


def test_no_picture_and_a_spoilt_one(folder):
    bad = [*samples(5, 2), ("bad.png", b"I am text"), ("bad.cls", b"0")]
    write_shard(folder / "train" / "1.tar", bad)
    stimuli = Stimuli.from_shards(folder)
    with pytest.raises(FileError, match=r"stimulus 'bad' \(.*1\.tar, byte [\d,]+\) cannot be decoded: it is not a picture"):
        list(stimuli)
    kept = Stimuli.from_shards(folder, on_error="skip")
    assert [each.id for each in kept.skipped] == ["bad"]
    assert len(kept) == 12
    for number in range(3):
        write_shard(folder / "train" / f"{number}.tar", [("a.json", b"{}")])
    with pytest.raises(InputError, match="none of the 3 files in its 3 shards has a picture's suffix"):
        Stimuli.from_shards(folder)


def test_flipped_bytes_are_an_error_of_ours_or_harmless(folder):
    path, rng, refused = folder / "train" / "1.tar", np.random.default_rng(0), 0
    whole = path.read_bytes()
    for _ in range(120):
        spoilt, at = bytearray(whole), int(rng.integers(0, 6)) * 1024  # a header
        for each in rng.integers(0, 512, size=3):
            spoilt[at + each] = rng.choice([0, 48, 55, 76, 103, 120, 255])
        spoilt[at + 148 : at + 156] = b"%06o\0 " % sum(spoilt[at : at + 148] + b" " * 8 + spoilt[at + 156 : at + 512])
        path.write_bytes(spoilt)
        try:
            Stimuli.from_shards(folder)
        except (FileError, IdError):
            refused += 1
    assert 10 < refused < 120


def test_extraction_from_shards_is_that_of_files(folder, tmp_path):
    import isomorph as iso

    stimuli = Stimuli.from_shards(folder)
    loose = tmp_path / "loose"
    loose.mkdir()
    for value in range(15):
        (loose / f"{value}.webp").write_bytes(picture(value, "webp"))
    files = Stimuli.from_files([loose / f"{value}.webp" for value in range(15)], ids=stimuli.ids)
    model = iso.load_model("bundled/pixels")
    one, other = (iso.extract(model, each, store=tmp_path / name) for each, name in ((stimuli, "a"), (files, "b")))
    assert one.fingerprint == other.fingerprint  # so that either finds the other's work in a store
    layer = one.layers[-1].name
    assert one[layer].ids == stimuli.ids
    assert np.array_equal(one[layer].values, other[layer].values)
