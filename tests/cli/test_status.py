"""`isomorph status` for Prometheus, and where the store cannot be read."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from isomorph.cli import main
from isomorph.cli._metrics_server import MetricsServer
from isomorph.cli._status_metrics import metrics
from isomorph.errors import StoreError

ODD = 'a "study"\\of\nmine, {é}'
STAGE = {"stage": "scores", "units": 4, "done": 1, "running": 2, "failed": 1, "workers": 3, "seconds": 0.25, "units_per_second": 12.0}
SAMPLE = re.compile(r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\{(?P<labels>(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (?P<value>\S+)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"')


def read(text: str) -> dict[tuple[str, ...], float]:
    """The samples of a text in Prometheus's format 0.0.4, each line of which is held against the rules: name, labels' values → number."""
    assert text.endswith("\n")
    samples: dict[tuple[str, ...], float] = {}
    typed: list[str] = []
    for line in text[:-1].split("\n"):
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert kind == "gauge"
            assert name not in typed  # one group of lines a metric
            typed.append(name)
        elif not line.startswith("# HELP "):
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match["name"] == typed[-1]
            labels = [
                re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), each[1]) for each in LABEL.findall(match["labels"])
            ]
            key = (match["name"], *labels)
            assert key not in samples
            samples[key] = float(match["value"])
    return samples


def test_metrics_are_in_the_format_of_prometheus():
    samples = read(metrics({"name": ODD, "stages": [STAGE, {"stage": "targets", "waiting": 2, "workers": 0, "seconds": None}]}))
    assert samples["isomorph_units", ODD, "scores", "done"] == 1
    assert samples["isomorph_units", ODD, "scores", "running"] == 2
    assert samples["isomorph_units", ODD, "targets", "waiting"] == 2
    assert samples["isomorph_workers", ODD, "scores"] == 3
    assert samples["isomorph_unit_seconds", ODD, "scores"] == 0.25
    assert samples["isomorph_units_per_second", ODD, "scores"] == 12
    assert ("isomorph_unit_seconds", ODD, "targets") not in samples
    assert len(samples) == 2 * 6 + 2 + 1 + 1


@pytest.fixture
def made() -> list[str]:
    return []


@pytest.fixture
def server(made) -> Iterator[MetricsServer]:
    def make() -> str:
        made.append("x")
        if len(made) > 1:
            raise StoreError("the store s3://lab cannot be listed: nobody answers.")
        return metrics({"name": ODD, "stages": [STAGE]})

    with MetricsServer("0", make) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(url: str, method: str = "GET") -> tuple[int, str, str]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_metrics_are_served_on_one_path_of_loopback_and_made_again_after_a_while(server, made, monkeypatch):
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]*/metrics", server.url)
    status, kind, text = get(server.url)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert read(text)["isomorph_workers", ODD, "scores"] == 3
    assert get(f"{server.url}?x=1")[2] == text
    assert len(made) == 1
    assert get(server.url.replace("/metrics", "/"))[::2] == (404, "there is only /metrics\n")
    assert get(f"{server.url}/../../etc/passwd")[0] == 404
    assert get(server.url, "POST")[0] == 501
    now = time.monotonic()
    monkeypatch.setattr("isomorph.cli._metrics_server.time.monotonic", lambda: now + 11)
    assert get(server.url)[::2] == (503, "the store s3://lab cannot be listed: nobody answers.\n")
    assert len(made) == 2


@pytest.fixture
def study(tmp_path: Path) -> Path:
    from PIL import Image

    (tmp_path / "photos").mkdir()
    for index in range(4):
        Image.effect_noise((8, 8), 40 + index).save(tmp_path / "photos" / f"{index}.png")
    path = tmp_path / "small.toml"
    path.write_text('models = ["bundled/pixels"]\nstimuli = "photos"\nlayers = [-1]\nstore = "store"\n')
    return path


def test_status_prints_metrics(study, capsys):
    assert main(["status", str(study), "--prometheus"]) == 0
    samples = read(capsys.readouterr().out)
    assert samples["isomorph_units", "small", "targets", "waiting"] == samples["isomorph_units", "small", "scores", "waiting"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal of POSIX")
def test_metrics_are_served_until_it_is_interrupted(study):
    assert main(["plan", str(study)]) == 0  # the store then knows the model, and the server need not load torch
    words = [sys.executable, "-m", "isomorph", "status", str(study), "--listen", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stderr is not None
            told = running.stderr.readline()
            match = re.fullmatch(r"metrics of small at (http://127\.0\.0\.1:\d+/metrics); Ctrl-C ends\n", told)
            assert match, told
            assert read(get(match[1])[2])["isomorph_units", "small", "scores", "waiting"] == 1
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=120) == 130
        finally:
            running.kill()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="links that lead to themselves are of POSIX")
@pytest.mark.parametrize("words", [("status",), ("plan",), ("run", "--part", "1/1", "--stage", "scores"), ("run", "--engine", "local")])
def test_a_store_that_cannot_be_read_is_not_taken_for_a_stage_that_waits(words, study, tmp_path, capsys):
    (tmp_path / "store").symlink_to("store")
    assert main([words[0], str(study), *words[1:]]) == 1
    said = capsys.readouterr().err
    assert re.search(r"manifest\.json cannot be read: Too many levels of symbolic links\. Check the disk or the network", said)
    assert "waiting" not in said
    assert words[0] != "run" or "failed: the stage scores: StoreError: " in said
