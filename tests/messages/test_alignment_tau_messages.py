"""What gLocal says of a temperature that its arithmetic cannot hold."""

import re

import pytest

from isomorph.alignment import GLocal
from isomorph.errors import InputError


def test_a_temperature_too_small_for_double_precision():
    text = "tau must be at least 0.003, below which exp(-2 / tau) is 0 in double precision; got 0.001."
    with pytest.raises(InputError, match="^" + re.escape(text) + "$"):
        GLocal(tau=0.001)
    assert GLocal(tau=0.003).tau == 0.003


def test_images_a_step_are_above_zero():
    with pytest.raises(InputError, match=r"^images_a_step must be above 0; got 0\.$"):
        GLocal(images_a_step=0)
