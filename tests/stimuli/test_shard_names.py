"""Shards in one text: ranges, lists, patterns, folders, and where they are taken."""

from pathlib import Path

import pytest

from isomorph.stimuli import names_shards, shard_names, shards_beside


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://host/train-{00008..00010}.tar", [f"https://host/train-{each}.tar" for each in ("00008", "00009", "00010")]),
        ("s3://bucket/{8..10}.tar?sign=a", [f"s3://bucket/{each}.tar?sign=a" for each in (8, 9, 10)]),
        ("s3://{a,b}/{0..1}.tar", ["s3://a/0.tar", "s3://a/1.tar", "s3://b/0.tar", "s3://b/1.tar"]),
        ("https://host/only.tar", ["https://host/only.tar"]),
        ("{07..07}.tar", ["07.tar"]),
        ("{099..101}.tar", ["099.tar", "100.tar", "101.tar"]),
    ],
)
def test_braces_are_gone_through(text, names):
    assert list(shard_names(text)) == names


def test_files_come_by_their_numbers(tmp_path):
    for name in ("a-10.tar", "a-9.tar", "b-1.tar"):
        (tmp_path / name).touch()
    assert [Path(each).name for each in shard_names(str(tmp_path / "*.tar"))] == ["a-9.tar", "a-10.tar", "b-1.tar"]
    assert [Path(each).name for each in shard_names(str(tmp_path / "{b,a}-?.tar"))] == ["b-1.tar", "a-9.tar"]
    assert shard_names(str(tmp_path)) == shard_names(str(tmp_path / "**/*.tar"))
    (tmp_path / "._a-9.tar").touch()  # a Mac leaves such beside the files that it copies
    assert [Path(each).name for each in shard_names(str(tmp_path))] == ["a-9.tar", "a-10.tar", "b-1.tar"]
    (tmp_path / "{1..2}.tar").touch()
    assert shard_names(str(tmp_path / "{1..2}.tar")) == (str(tmp_path / "{1..2}.tar"),)


def test_a_folder_of_pictures_or_a_table_names_no_shards(tmp_path):
    for text in ("edges", str(tmp_path), "captions.csv"):
        assert not names_shards(text)
    for text in ("s3://bucket/a", "{0..9}.tar", "more/*.tar", "one.tar"):
        assert names_shards(text)
    (tmp_path / "0.tar").touch()
    assert names_shards(tmp_path)
    (tmp_path / "captions[1].csv").touch()
    assert not names_shards(tmp_path / "captions[1].csv")
    (tmp_path / "cat.PNG").touch()
    assert not names_shards(tmp_path)


def test_only_files_count_from_a_folder():
    assert shards_beside("s3://bucket/{0..9}.tar", Path("/lab")) == "s3://bucket/{0..9}.tar"
    assert shards_beside("{0..9}.tar", Path("/lab")) == "/lab/{0..9}.tar"


def test_the_name_of_a_folder_is_no_pattern(tmp_path):
    folder = tmp_path / "runs [old]"
    folder.mkdir()
    for name in ("1.tar", "2.tar"):
        (folder / name).touch()
    for text in ("*.tar", "{1..2}.tar", "."):
        assert shard_names(shards_beside(text, folder)) == (str(folder / "1.tar"), str(folder / "2.tar"))
    assert shard_names(shards_beside("1.tar", folder)) == (str(folder / "1.tar"),)


def test_a_list_may_be_longer_than_a_name():
    text = "{" + ",".join(f"picture-shard-{number}" for number in range(100)) + "}.tar"
    assert names_shards(text)
    assert len(shard_names(text)) == 100
