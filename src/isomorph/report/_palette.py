"""The colours of pages and figures, told apart by people of every kind of colour vision (after Okabe & Ito, 2008).

Kinds are told apart by shape as well, never by colour alone. `assets/page.css` holds the same values as custom properties.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from isomorph.errors import MissingDependencyError

KIND_COLOURS = {"model": "#0067a6", "control": "#6b7076", "brain": "#c04f00", "behaviour": "#00775b"}
KIND_MARKERS = {"model": "o", "control": "s", "brain": "D", "behaviour": "^"}
KIND_WORDS = {"model": "model", "control": "control", "brain": "brain", "behaviour": "behaviour"}
CEILING = "#e9dcc3"
CONTEXT = "#c9ccd1"
INK = "#1c1d1f"
MUTED = "#5f646b"
HEAT = "cividis"


def check_matplotlib() -> None:
    """Raise `MissingDependencyError` if figures cannot be drawn here; imports nothing."""
    if sys.modules.get("matplotlib", ...) is None or find_spec("matplotlib") is None:
        raise MissingDependencyError("matplotlib", needed_by="drawing figures", install="pip install 'isomorph[plots]'")
