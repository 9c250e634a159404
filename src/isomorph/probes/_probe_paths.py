"""One probe by several processes: each walks some paths of its search, and the last unit chooses and answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.arrays import array_digest
from isomorph.engine import Needs
from isomorph.errors import StoreError
from isomorph.probes._adamw_search import AdamWSearch
from isomorph.probes._examples import Examples
from isomorph.probes._kept_result import keep_result, kept_result
from isomorph.probes._search import Lane
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.features import Features
    from isomorph.probes._probe import Probe
    from isomorph.probes._probe_result import ProbeResult
    from isomorph.store import Store

_SCHEME = 1
_OF_A_PATH = ("validation", "epochs", "batch_size", "ties", "device", "memory_limit")


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbePath:
    """One path of a search as a unit of work: at most 14 fits of one seed and learning rate; it commits how well each did."""

    search: AdamWSearch
    seed: int
    rate: float
    whole: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"learning rate {self.rate:g}, seed {self.seed} of a probe of {len(self.search.train):,} stimuli"

    @property
    def needs(self) -> Needs:
        """Of its worker."""
        return Needs(gpu=self.search.probe.device != "cpu")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the fits: of the probe's other paths nothing, nor of its test set."""
        options = {name: to_plain(getattr(self.search.probe, name)) for name in _OF_A_PATH}
        return {"kind": "path of a probe", **self.whole, **options, "seed": self.seed, "learning_rate": float(self.rate)}

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Walk the path; commit the place in the grid, accuracy and loss of each fit, `[fit, 3]`."""
        lane = self.search.walk(self.seed, self.rate)
        fits = np.array([[index, *outcome] for index, outcome in lane.known.items()], dtype=np.float64)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("fits", {"fits": fits})
            writer.commit({"peak": lane.peak})

    def read(self, store: Store) -> Lane:
        """The path as it was walked; walked again if it is gone or damaged."""
        if self.fingerprint in store:
            with suppress(StoreError):
                return self._read(store)
        self.run(store)
        return self._read(store)

    def _read(self, store: Store) -> Lane:
        stored = store.open(self.fingerprint)
        known = {int(index): (accuracy, loss) for index, accuracy, loss in stored.read("fits", "fits").tolist()}
        return Lane(self.seed, self.rate, known, int(stored.meta["peak"]))


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeJoin:
    """The last unit: it chooses among all paths, walks those that are missing or damaged, fits and tests, and commits the result."""

    search: AdamWSearch
    held: Examples
    paths: tuple[ProbePath, ...]
    whole: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.search.probe.kind} probe of {len(self.search.train):,} stimuli"

    @property
    def needs(self) -> Needs:
        """Of its worker."""
        return Needs(gpu=self.search.probe.device != "cpu")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """What decides the result."""
        return {
            "kind": "probe of features",
            **self.whole,
            "probe": to_plain(self.search.probe),
            "classes": list(self.search.train.classes),
            "test": _digest(self.held),
            "test_ids": None if self.held.ids is None else fingerprint(list(self.held.ids)),
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of the result."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Choose, fit on all of the training set, and commit what `Probe.fit` gives."""
        probe, width = self.search.probe, len(self.search.probe.learning_rates)
        walked = [each.read(store) for each in self.paths]
        lanes = [walked[start : start + width] for start in range(0, len(walked), width)] or None
        result = probe._learn(self.search.train, self.held, lanes)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            keep_result(writer, result)

    def result(self, store: Store) -> ProbeResult:
        """What was committed.

        Raises:
            StoreError: It is not there, or damaged.
        """
        return kept_result(store.open(self.fingerprint))


def probe_paths(
    probe: Probe, x: Features | Any, labels: Any, *, test: tuple[Features | Any, Any] | float = 0.2
) -> tuple[list[ProbePath], ProbeJoin]:
    """`probe.fit` as units of work for several processes or machines that see one store.

    First all paths, in any order and anywhere (`Part.parse("1/4").of(paths)`), then the join. The result is that of `probe.fit` with the
    same arguments, to the last bit. A path that is lost is walked again, and no other; a probe with one more learning rate or seed walks
    only the new paths.

    What can be shared is the search of an AdamW probe with `together="path"`: one unit a seed and learning rate, whose fits depend on no
    other. Otherwise there are no paths and the join does everything, because sharing would only add work or change the last digits: ridge
    has all penalties from one decomposition, each fit of logistic regression begins where the one before ended, and with `together="all"`
    fits share their matrix products, whose last digits depend on how many there are.

    Args:
        probe: What to learn.
        x: As in `Probe.fit`; read once to name the work. A unit holds the training set, as `Probe.fit` does, and takes it along where it
            is sent.
        labels: As in `Probe.fit`.
        test: As in `Probe.fit`.

    Returns:
        The paths, and the unit that chooses; its `result(store)` reads the `ProbeResult`.

    Raises:
        IsomorphError: As of `Probe.fit`, as far as it can be seen without training.

    Example:
        >>> import tempfile
        >>> from isomorph.engine import run_plan
        >>> from isomorph.probes import Probe
        >>> from isomorph.store import Store
        >>> rng, store = np.random.default_rng(0), Store(tempfile.mkdtemp())
        >>> labels = np.arange(60) % 3
        >>> x = rng.normal(size=(60, 5)) + np.eye(3, 5)[labels]
        >>> probe = Probe(together="path", seeds=(0,), learning_rates=(0.1, 0.01), epochs=2)
        >>> paths, join = probe_paths(probe, x, labels)
        >>> _ = run_plan([*paths, join], store=store)
        >>> len(paths), join.result(store).top1 == probe.fit(x, labels).top1
        (2, True)
    """
    train, held = probe._sets(x, labels, test)
    search = AdamWSearch(probe, train)
    whole = {"scheme": _SCHEME, "isomorph": __version__, "train": _digest(train)}
    paths: list[ProbePath] = []
    if probe.kind == "adamw" and probe.together == "path":
        for seed in probe.seeds:
            search.parts(seed)  # a class that is too small is told now, not by the first unit
        paths = [ProbePath(search=search, seed=seed, rate=rate, whole=whole) for seed in probe.seeds for rate in probe.learning_rates]
    return paths, ProbeJoin(search=search, held=held, paths=tuple(paths), whole=whole)


def _digest(examples: Examples) -> dict[str, Any]:
    return {"x": array_digest(examples.x), "y": array_digest(examples.y), "classes": len(examples.classes)}
