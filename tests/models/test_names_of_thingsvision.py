"""The table of thingsvision's names in the page on models: every name on our side is one that is listed here."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from isomorph.models import list_models, model_card, sources

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
PACKAGES = ("timm", "torchvision", "open_clip", "transformers")
missing = [each for each in PACKAGES if find_spec(each) is None]


def rows() -> list[tuple[str, list[str]]]:
    table = PAGE.read_text(encoding="utf-8").partition("## From thingsvision's names")[2].partition("\n\n## ")[0]
    found = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [(theirs, re.findall(r"`([a-z_]+/[^`]+)`", ours)) for theirs, ours in found]


@pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")
def test_every_name_is_listed_here() -> None:
    names = [name for _, ours in rows() for name in ours]
    assert len(names) > 50
    assert {each.partition("/")[0] for each in names} <= {each.name for each in sources}
    for name in names:
        if name.startswith("hf/"):  # any model of the hub may be named; what the table names has its facts here
            assert model_card(name).objective not in ("", "none"), name
        elif not name.endswith("random-0"):
            wanted = name if "." in name else f"{name}.*"
            assert list_models(wanted), name


def test_all_of_the_source_ssl_and_of_ours_are_named() -> None:
    text = "\n".join(name for _, ours in rows() for name in ours)
    named = [each for source in ("ssl", "published") for each in list_models(f"{source}/*") if not each.startswith("published/alexnet_gn")]
    assert [each for each in named if each not in text] == []  # AlexNet-GN is of the tutorial on brains, not of thingsvision
