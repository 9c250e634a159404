"""From a URL to a checked file in torch's cache: each with a real server."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest
import torch

from isomorph.errors import DigestError, FetchError, FileError
from isomorph.models import load_model, outline
from isomorph.models._fill import fill
from isomorph.models._weights_file import WeightsFile

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `content`, of which it says to have `promised` bytes (None: it does not say)."""

    content: bytes
    promised: int | None

    def do_GET(self) -> None:
        self.send_response(200)
        if self.promised is not None:
            self.send_header("Content-Length", str(self.promised))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "data"))

    class Fresh(Server):
        content, promised = CONTENT, len(CONTENT)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Fresh) as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        Fresh.url = f"http://127.0.0.1:{running.server_port}/x"
        yield Fresh
        running.shutdown()


def weights(server: type[Server], sha256: str = "") -> WeightsFile:
    return WeightsFile(model="published/x.y", url=server.url, file="x.pth", sha256=sha256, untrained="published/x.random-0")


def plain(request):
    return urlopen(request, timeout=5)


@pytest.mark.parametrize("promised", [len(CONTENT), None])
@pytest.mark.parametrize("digits", [0, 8, 64])
def test_a_file_arrives_whole_and_is_fetched_once(server: type[Server], promised: int | None, digits: int) -> None:
    server.promised = promised
    file = weights(server, SHA256[:digits])
    assert file.fetch(open_url=plain).read_bytes() == CONTENT
    assert [each.name for each in file.path.parent.iterdir()] == ["x.pth"]
    server.content = b"other"
    assert file.fetch(open_url=plain).read_bytes() == CONTENT


@pytest.mark.parametrize("sha256", ["", SHA256])
def test_a_file_that_breaks_off_is_not_kept(server: type[Server], sha256: str) -> None:
    server.content = CONTENT[:300_000]
    file = weights(server, sha256)
    with pytest.raises(FetchError, match=r"stopped at 300,000 of 1,024,000 bytes, and were not kept\. Try again"):
        file.fetch(open_url=plain)
    assert list(file.path.parent.iterdir()) == []


def test_other_bytes_than_the_published_ones_are_not_kept(server: type[Server]) -> None:
    file = weights(server, "0" * 8)
    with pytest.raises(DigestError) as caught:
        file.fetch(open_url=plain)
    assert str(caught.value) == (
        f"the weights of 'published/x.y' came from {server.url} with the SHA-256 {SHA256[:12]}…, expected 00000000…. They were not kept."
    )
    assert list(file.path.parent.iterdir()) == []


def test_without_a_published_digest_later_files_must_equal_the_first(server: type[Server]) -> None:
    file = weights(server)
    file.fetch(open_url=plain)
    file.remember()
    assert file.path.with_name("x.pth.sha256").read_text() == f"{SHA256}\n"
    file.path.unlink()
    server.content = bytes(len(CONTENT))
    with pytest.raises(DigestError, match=r"(?s)of their first use here, in .*x\.pth\.sha256; delete it, too, if you trust the new file\."):
        file.fetch(open_url=plain)
    file.path.unlink()
    server.content = CONTENT
    assert file.fetch(open_url=plain) == file.path


def test_only_https_is_asked_and_a_cache_that_cannot_be_written_is_said(server: type[Server]) -> None:
    file = weights(server)
    with pytest.raises(FetchError, match="cannot be reached"):
        file.fetch()
    file.path.parent.rmdir()
    file.path.parent.write_text("in the way")
    with pytest.raises(FileError, match=r"cannot be put into .*Name another folder in TORCH_HOME\."):
        file.fetch(open_url=plain)


@pytest.mark.parametrize("kind", ["z", "rt"])
def test_cornets_take_checkpoints_of_several_devices(kind: str, tmp_path: Path) -> None:
    """The published files hold `state_dict`, in which every name begins with `module.`."""
    drawn, other = (load_model(f"published/cornet_{kind}.random-{seed}").module for seed in (1, 2))
    held = {"state_dict": {f"module.{key}": each for key, each in drawn.state_dict().items()}, "epoch": 43}
    torch.save(held, tmp_path / "x.pth")
    fill(other, tmp_path / "x.pth")
    assert all(torch.equal(each, other.state_dict()[key]) for key, each in drawn.state_dict().items())
    del held["state_dict"]["module.IT.conv1.weight" if kind != "z" else "module.IT.conv.weight"]
    torch.save(held, tmp_path / "x.pth")
    with pytest.raises(FileError, match=r"tensors 1 are missing and 0 have another shape; the first is 'IT\.conv1?\.weight'\."):
        fill(other, tmp_path / "x.pth")


# Names that the published checkpoints have, as far as the public code that reads them states them.
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("z", {"V1.conv.weight", "V1.conv.bias", "decoder.linear.bias"}),
        ("s", {"V1.norm2.running_var", "V2.norm_skip.weight", "V4.norm3_3.bias", "IT.conv_input.weight", "decoder.linear.weight"}),
        ("r", {"V1.conv_input.bias", "V2.norm_input.weight", "IT.norm1.bias", "decoder.linear.weight"}),
    ],
)
def test_the_weights_have_their_published_names(kind: str, names: set[str]) -> None:
    assert names <= set(outline(f"published/cornet_{kind}.random-0").state_dict())


@pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision: pip install 'isomorph[torchvision]'")
def test_a_file_that_thingsvision_fetched_is_found_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("ISOMORPH_DATA", str(tmp_path / "data"))
    file = tmp_path / "hub" / "checkpoints" / "Resnet50_ecoset"
    file.parent.mkdir(parents=True)
    drawn = load_model("published/resnet50.random-1")
    torch.save(drawn.module.state_dict(), file)
    model = load_model("published/resnet50.ecoset")
    assert model.weights == drawn.weights
    assert (model.card.training_data, drawn.card.training_data) == ("ecoset", "none")
    assert file.with_name("Resnet50_ecoset.sha256").exists()
    file.write_bytes(b"something else")
    with pytest.raises(DigestError, match=r"the weight file of 'published/resnet50\.ecoset' does not hold the bytes it should: "):
        load_model("published/resnet50.ecoset")
