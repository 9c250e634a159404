"""Category 3: pictures on which a network errs after one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from isomorph.visalign._set_writer import encoded, plain_stem

if TYPE_CHECKING:
    from isomorph.stimuli import Stimuli
    from isomorph.visalign._set_part import AttackPart
    from isomorph.visalign._set_writer import SetWriter


def write_attacked(writer: SetWriter, attack: AttackPart, tests: Mapping[str, Stimuli]) -> None:
    """For each model and test picture the first step after which the model errs, as PNG: JPEG would undo it.

    Upstream's names end in the step in hundredths, so that several steps share a name; ours are thousandths.
    """
    from isomorph.models import fgsm, load_model

    for model_name in attack.models:
        model = load_model(model_name)
        short = plain_stem(model_name.partition(".")[0])
        for name, stimuli in tests.items():
            left = list(stimuli.ids)
            for epsilon in attack.epsilons:
                if not left:
                    break
                found = fgsm(model, stimuli.take(left), [attack.targets.get(name)] * len(left), epsilon=epsilon)
                for at in np.flatnonzero(found.kept):
                    file = f"{plain_stem(found.ids[at])}-{name}-{short}-{round(1000 * epsilon)}.png"
                    writer.test("3", file, encoded(found.pixels[at], "PNG"), name)
                left = [each for each, kept in zip(found.ids, found.kept, strict=True) if not kept]
