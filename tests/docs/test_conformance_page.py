"""The page of conformance holds every measure, and the values on which programs agree."""

import re
import warnings
from pathlib import Path

import pytest

from isomorph.measures import load_measure, registry

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture(scope="module")
def executed():
    blocks = re.findall(r"```\{code-cell\} python\n(?:---\n.*?\n---\n)?(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        for block in blocks:
            exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_agreed_values_are_ours(executed):
    assert len(executed["AGREED"]) == 13  # each is asserted on the page


def test_every_measure_has_a_row_and_a_note(executed):
    heads = [row[0] for row in executed["rows"] if row[0].startswith("**")]
    assert heads == [f"**`{name}`**" for name in registry.names()]
    assert set(executed["NOTES"]) == set(registry.names())


RSATOOLBOX = {  # its comparison of its RDMs: ours, and what ours is multiplied by
    ("correlation", "corr"): ("rsa", {}, 1.0),
    ("correlation", "spearman"): ("rsa", {"comparison": "spearman"}, 1.0),
    ("correlation", "cosine"): ("rsa", {"comparison": "cosine"}, 1.0),
    ("correlation", "rho-a"): ("rsa", {"comparison": "rho-a"}, 1.0),
    ("correlation", "tau-a"): ("rsa", {"comparison": "tau-a"}, 1.0),
    ("correlation", "tau-b"): ("rsa", {"comparison": "tau-b"}, 1.0),
    ("euclidean", "cosine_cov"): ("rsa", {"distance": "sqeuclidean", "comparison": "cosine_cov"}, 1.0),
    ("euclidean", "corr_cov"): ("rsa", {"distance": "sqeuclidean", "comparison": "corr_cov"}, 1.0),
    ("euclidean", "bures_metric"): ("bures", {"squared": True}, 1 / 25),
    ("euclidean", "bures"): ("nbs", {}, 1.0),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("distance", "comparison"), RSATOOLBOX)
def test_rsatoolbox_gives_what_the_page_says(executed, distance, comparison):
    pytest.importorskip("rsatoolbox", reason="rsatoolbox is not installed")
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm, compare

    name, options, factor = RSATOOLBOX[distance, comparison]
    rdms = [calc_rdm(Dataset(executed[letter]), method=distance) for letter in "xy"]
    theirs, ours = compare(*rdms, method=comparison).item(), load_measure(name, **options)(executed["x"], executed["y"])
    rounding = 1e-7 if comparison.startswith("bures") else 1e-11  # roots of eigenvalues that should be 0
    assert theirs == pytest.approx(factor * ours, abs=rounding)
