"""How subjects, conditions and images are called where two tables call them differently."""

from __future__ import annotations

import math


def plain_subject(name: str) -> str:
    """A subject with `-` for `_`: published files are called `simclr-resnet50x1` and say `simclr_resnet50x1` inside."""
    return name.strip().replace("_", "-")


def plain_condition(text: str) -> str:
    """Numbers in their shortest form, words in lower case, NaN and nothing as `"0"`.

    Example:
        >>> [plain_condition(each) for each in ("0.60", "True", "NaN", "1-10-10", "inf")]
        ['0.6', 'true', '0', '1-10-10', 'inf']
    """
    text = text.strip().lower()
    try:
        value = float(text) if "_" not in text else None
    except ValueError:
        value = None
    if text == "" or (value is not None and math.isnan(value)):
        return "0"
    return text if value is None else plain_number(value)


def image_key(name: str) -> str:
    """What people's and models' names of one image share: the last two fields at `_` if the first of both starts with `n0`, else the last.

    Example:
        >>> image_key("0001_nse_s01_0.03_elephant_10_n02504458_7209.png"), image_key("0001_s5n_s01_0_bird_00_bird3-bird2.png")
        ('n02504458_7209.png', 'bird3-bird2.png')
    """
    fields = name.split("_")
    return "_".join(fields[-2:]) if len(fields) > 1 and fields[-2].startswith("n0") else fields[-1]


def plain_number(value: float) -> str:
    """A number in its shortest form; NaN as model-vs-human writes it."""
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)
