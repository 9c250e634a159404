"""Every test runs with its own store and one thread of arithmetic a worker; nothing a test does reaches the user's own store."""

from __future__ import annotations

import os
import signal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in background jobs of a shell; what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOMORPH_STORE", str(tmp_path_factory.mktemp("store")))


@pytest.fixture
def data_path():
    """A function `(dataset, file) -> Path` over mirror, cache and network; skips where none of them has the file."""
    from isomorph import data
    from isomorph.errors import FetchError

    def find(dataset: str, file: str) -> Path:
        try:
            return Path(data.path(dataset, file))
        except FetchError as error:
            pytest.skip(f"{dataset}/{file} can be had neither from mirror, cache nor network: {error}")

    return find
