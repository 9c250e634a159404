"""What is said of addresses of stores; what a server says is pinned in tests/cluster/test_object_store.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

from isomorph.errors import InputError, StoreError
from isomorph.store import open_store
from isomorph.store._remote_errors import mask


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            "ftp://host/store",
            "ftp://host/store is no address of a store. Begin with s3://, gs://, az:// or memory://, or name a folder.",
        ),
        (
            "s3://key:hush@bucket/store",
            "the address s3://***@bucket/store carries a password, which logs would show. Put it into the environment or a profile.",
        ),
        (
            "s3://bucket/../other",
            "the address s3://bucket/../other must be bucket/folder in letters, digits, '.', '_', '=' and '-'.",
        ),
        (
            "s3://bucket/store?X-Amz-Signature=hush",
            "the address s3://bucket/store?*** must be bucket/folder in letters, digits, '.', '_', '=' and '-'.",
        ),
    ],
)
def test_addresses(place: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        open_store(place)
    assert str(caught.value) == said


def test_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMORPH_STORE_PATIENCE", "a while")
    with pytest.raises(InputError) as caught:
        open_store("memory://lab/store")
    assert str(caught.value) == "ISOMORPH_STORE_PATIENCE must be a number of seconds; got 'a while'."


def test_a_missing_object(tmp_path) -> None:
    store = open_store("memory://messages/store", cache=tmp_path)
    with pytest.raises(StoreError) as caught:
        store.open("a" * 64)
    assert str(caught.value) == (
        "the object aaaaaaaaaaaa is not in the store memory://messages/store. Run what makes it; `isomorph store ls` lists the rest."
    )


def test_a_missing_package(tmp_path) -> None:
    program = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from isomorph.store import open_store\n"
        "from isomorph.errors import MissingDependencyError\n"
        f"store = open_store('s3://bucket/store', cache={str(tmp_path)!r})\n"
        "try: 'a' * 64 in store\n"
        "except MissingDependencyError as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "the store s3://bucket/store needs the package 's3fs', which is not installed. Run: pip install 'isomorph[s3]'\n"


def test_secrets_are_masked() -> None:
    assert (
        mask('cannot reach "https://me:hush@host:9000/b/k?X-Amz-Credential=hush&b=1".') == 'cannot reach "https://***@host:9000/b/k?***".'
    )
