"""Protocols that were published, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isomorph.encoding._protocol import Protocol
from isomorph.encoding._ridge import Ridge
from isomorph.encoding._split import EvenOdd, KFold, Shuffled
from isomorph.errors import InputError, UnknownNameError


def _conwell2024() -> Protocol:
    return Protocol(
        name="conwell2024",
        metrics=("cRSA", "eReg", "eRSA"),
        split=EvenOdd(),
        regression=Ridge(alphas=(1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5), select="loo-pearson", standardise=False),
        min_units=11,
    )


def _brainscore() -> Protocol:
    from isomorph.encoding._pls import PLS

    return Protocol(
        name="brainscore",
        metrics=("eReg",),
        split=Shuffled(splits=10, test=0.1, seed=0),
        regression=PLS(components=25),
        normaliser="r2/ceiling2",
        normalised="regions",
        ceiling="split-half",
        aggregator="median",
    )


def _algonauts2023() -> Protocol:
    return Protocol(
        name="algonauts2023",
        metrics=("eReg",),
        split=EvenOdd(),
        regression=Ridge(standardise=False),
        normaliser="r2/ceiling2",
        normalised="units",
        ceiling="ncsnr",
        aggregator="median",
    )


def _net2brain() -> Protocol:
    from isomorph.encoding._principal_regression import PrincipalRegression

    return Protocol(
        name="net2brain",
        metrics=("cRSA", "eReg"),
        split=KFold(folds=3, seed=0),
        regression=PrincipalRegression(components=100),
        normaliser="r2/ceiling2",
        normalised="regions",
        bound="lower",
        comparison="spearman",
    )


_PRESETS: dict[str, tuple[Callable[[], Protocol], str]] = {
    "conwell2024": (_conwell2024, "even rows train, odd rows test; ridge by LOO r; mean r of units; Pearson RDMs"),
    "brainscore": (_brainscore, "PLS-25, 10 × 90/10; median r of units, squared over the median reliability"),
    "algonauts2023": (_algonauts2023, "r² over the noise ceiling of each unit, median"),
    "net2brain": (_net2brain, "Spearman's ρ of RDMs squared over the lower ceiling; PCA-100 and least squares, 3 folds"),
}


def load_protocol(name: str | Protocol, **changes: Any) -> Protocol:
    """A published protocol, with what of it should be otherwise.

    - `"conwell2024"`: Conwell et al., 2024, <https://doi.org/10.1038/s41467-024-53147-y>. Even rows train, odd rows test. Ridge on
      random projections of all features, here in their exact limit (`projection=SparseProjection()` draws one as the authors did); seven
      penalties, each unit's own by the correlation when left out. Mean r over units, not normalised; Pearson RDMs compared by Pearson.
      Regions of at most ten units are left out. The authors' choices are read from their code; they chose layers on train as here.
    - `"brainscore"`: Schrimpf et al., 2018, <https://doi.org/10.1101/407007>. PLS with 25 components, ten random divisions in 90 % and
      10 %; median r over units, mean over divisions; its square over the reliability of the units (split halves, Spearman and Brown),
      median too. There divisions are stratified by the pictured object: `split=Shuffled(stratify="object_name")` if the stimuli's table
      says it. Earlier releases squared r over reliability: `normaliser="r2/ceiling4"`. Not checked against their scores.
    - `"algonauts2023"`: Gifford et al., 2023, <https://arxiv.org/abs/2301.03198>. r² over the noise ceiling of each vertex, median (there
      × 100, here a share). The challenge fixed its test stimuli: `split=Halves(train=…, test=…)`; even and odd rows stand in for them. The
      regression was each entry's own; here a ridge. The formula comes from the challenge's description and was not verified.
    - `"net2brain"`: Bersch et al., 2022, <https://arxiv.org/abs/2208.09677>. Spearman's ρ of RDMs, squared, over the squared lower
      ceiling, averaged over subjects: often above 1, since that ceiling is no bound. Least squares on 100 principal components, three
      folds. There RDMs are compared on all stimuli at once and no layer is chosen; here on the test stimuli of each fold. Not checked
      against its scores.

    Args:
        name: One of `list_protocols()`; a `Protocol` is taken as it is.
        changes: Fields of `Protocol`.

    Raises:
        UnknownNameError: There is no such protocol, or no such field.
        InputError: The choices do not go together.

    Example:
        >>> load_protocol("conwell2024", metrics=("eReg",), aggregator="median").name
        'conwell2024, changed'
    """
    if isinstance(name, Protocol):
        return name.changed(**changes)
    if not isinstance(name, str):
        raise InputError(f"a protocol is a name or a Protocol; got {type(name).__name__}.")
    if name not in _PRESETS:
        raise UnknownNameError("protocol", name, _PRESETS)
    return _PRESETS[name][0]().changed(**changes)


def list_protocols() -> dict[str, str]:
    """The names of published protocols, and what each does in a line."""
    return {name: said for name, (_, said) in _PRESETS.items()}
