"""The loop that teaches a student."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from isomorph.alignet._batches import Batch, PictureError, Pictures, batches, training_rows
from isomorph.alignet._checkpoint import checkpoint_paths, read_checkpoint, way_on, write_checkpoint
from isomorph.alignet._fine_tuned import FineTuned
from isomorph.alignet._interrupts import CutShortError, finished_first
from isomorph.alignet._log import Log, LogError
from isomorph.alignet._lora import add_lora, fold_lora
from isomorph.alignet._pulled_adam import PulledAdam, warmup_cosine
from isomorph.alignet._ranks import Ranks
from isomorph.alignet._student import Student
from isomorph.alignet._triplet_loss import triplet_accuracy
from isomorph.arrays import IntArray, positions
from isomorph.engine import Progress
from isomorph.errors import InputError, NonFiniteError, ShapeError, StoreError
from isomorph.models._weights import weights_digest

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuning import FineTuning
    from isomorph.judgments import Triplets
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

_OF_THE_MACHINE = ("evaluate_every", "evaluation_batches", "checkpoint_every", "keep", "on_error", "accumulate")


class Training:
    """One run: everything that `FineTuning.fit` was given, checked."""

    def __init__(
        self,
        options: FineTuning,
        model: Model,
        stimuli: Stimuli,
        triplets: Triplets,
        folder: Path,
        validation: Mapping[str, Triplets],
        *,
        layer: str | None,
        pool: Any,
        label: str,
    ) -> None:
        if len(triplets) < options.batch_size:
            raise ShapeError(
                f"a batch takes {options.batch_size:,} triplets, but there are {len(triplets):,}; pass more, or a smaller batch_size."
            )
        self.options, self.model, self.stimuli, self.triplets, self.folder, self.label = options, model, stimuli, triplets, folder, label
        self.rows = _rows(stimuli, triplets, "the triplets")
        self.validation = {name: (each, _rows(stimuli, each, name)) for name, each in validation.items()}
        self.ranks = Ranks.here(model.device)
        self.share = self.ranks.share(options.batch_size)
        self.student = Student.of(model, stimuli, layer=layer, pool=pool, dimensions=options.dimensions, seed=options.seed)
        self.student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions learn a quarter faster
        if options.lora is not None:
            add_lora(self.student, options.lora, seed=options.seed)
        learnt = {name: each for name, each in self.student.named_parameters() if each.requires_grad}
        free = frozenset(name for name in learnt if name.startswith("triplet_head.") and not options.pull_head)
        self.optimiser = PulledAdam(learnt, pull=options.pull, form=options.pull_form, free=free, clip=options.clip)
        self.facts = {
            "model": model.fingerprint,
            "layer": f"{self.student.layer} ({self.student.pool})",
            "triplets": triplets.digest,
            "options": {name: each for name, each in options.options.items() if name not in _OF_THE_MACHINE},
        }
        self.skipped: dict[str, None] = {}

    def run(self, *, workers: int, cache_bytes: int, tensorboard: bool, seen: tuple[str, ...], progress: Progress | None) -> FineTuned:
        """Go on from the last checkpoint, to the end."""
        checkpoint, notes = read_checkpoint(self.folder, self.facts)
        first = checkpoint.step if checkpoint else 0
        if checkpoint:
            self._restore(checkpoint.tensors, first)
        else:
            self._save(0)
        pictures = Pictures(self.model, self.stimuli, cache_bytes=cache_bytes, workers=workers)
        quiet = not self.ranks.writes
        try:
            with (
                Log(self.folder, first, writes=self.ranks.writes, tensorboard=tensorboard) as log,
                nullcontext(progress) if progress and not quiet else Progress(quiet=True) as shown,
            ):
                self._loop(first, pictures, log, shown)
        except LogError as error:
            raise StoreError(f"the log cannot be written to {self.folder}: {way_on(error, self.folder)}") from error
        finally:
            pictures.close()
        self.ranks.wait()
        self.student.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return FineTuned(
            model=self._as_model(seen),
            student=self.student,
            history=log.history,
            folder=self.folder,
            checkpoint=checkpoint_paths(self.folder)[-1],
            skipped=tuple(self.skipped),
            notes=(*notes, *self._notes()),
        )

    def _loop(self, first: int, pictures: Pictures, log: Log, progress: Progress) -> None:
        options = self.options
        wanted = training_rows(len(self.triplets), options.batch_size, first=first, steps=options.steps, seed=options.seed)
        stream = self._batches(pictures, self.triplets, (rows[self.share] for rows in wanted), self.rows)
        step = first
        self.student.train()
        try:
            with progress.task(f"teaching {self.model.name}", options.steps, unit="steps", done=first) as task:
                for batch in stream:
                    with finished_first():
                        entry = self._update(step, batch)
                        step += 1
                        if step % options.evaluate_every == 0 or step == options.steps:
                            entry["validation"] = self._look(pictures)
                        log.add(entry)
                    if step % options.checkpoint_every == 0 or step == options.steps:
                        log.flush()  # first, so that a checkpoint never knows of more steps than the log
                        self._save(step)
                    task.label = f"teaching {self.model.name}: loss {entry['loss']:.4f}, agreement {entry['agreement']:.0%}"
                    task.advance()
        except PictureError as error:
            raise InputError(
                f"step {step:,}: {error} {self._kept(step)} Mend the picture and run again to go on from there, or pass on_error='skip' "
                "to leave out its triplets."
            ) from error
        except NonFiniteError as error:
            raise NonFiniteError(f"{error} {self._kept(step)} A lower learning_rate, or clip=1.0, may help.") from error
        except KeyboardInterrupt as error:
            if not isinstance(error, CutShortError):
                self._kept(step)
            raise

    def _update(self, step: int, batch: Batch) -> dict[str, Any]:
        options, device = self.options, self.model.device
        parts = min(options.accumulate, len(batch.items))
        totals = torch.zeros(2, dtype=torch.float64)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(hash((options.seed, step, self.ranks.rank)) & (2**63 - 1))  # dropout, too, is the same after a kill
            for items, targets in zip(batch.items.tensor_split(parts), batch.similarities.tensor_split(parts), strict=True):
                shown, local = torch.unique(items, return_inverse=True)
                loss, agreement = self._judged(
                    batch.pictures[shown] if parts > 1 else batch.pictures, local if parts > 1 else items, targets
                )
                share = len(items) / len(batch.items)
                torch.autograd.backward(loss * share)
                totals += torch.tensor([float(loss.detach()), float(agreement)], dtype=torch.float64) * share
        self.skipped |= dict.fromkeys(batch.skipped)
        learnt = [each.grad for each in self.student.parameters() if each.grad is not None]
        self.ranks.average([*learnt, totals] if device.type == "cpu" else learnt)
        rate = warmup_cosine(step, peak=options.learning_rate, warmup=options.warmup, steps=options.steps)
        norm = self.optimiser.step(rate) if math.isfinite(totals[0]) else math.nan
        if not math.isfinite(norm):
            raise NonFiniteError(
                f"step {step:,}: the loss is {float(totals[0])} and its gradient has the norm {norm}; nothing was updated."
            )
        return {"step": step, "loss": float(totals[0]), "agreement": float(totals[1]), "rate": rate, "gradient_norm": norm}

    def _judged(self, pictures: torch.Tensor, items: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The mean loss, and the share of triplets where student and teacher keep the same pair."""
        device, options = self.model.device, self.options
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
            embeddings = self.student(pictures.to(device, non_blocking=True))["triplet_logits"]
        items, targets = items.to(device), targets.to(device)
        dots = options.loss.dots(embeddings.float(), items)
        canonical = triplet_accuracy(dots) if options.loss.kind == "contrastive" else dots.argmax(1) == targets.argmax(1)
        return options.loss.of_dots(dots, targets).mean(), canonical.detach().float().mean()

    @torch.no_grad()
    def _look(self, pictures: Pictures) -> dict[str, dict[str, float]]:
        """Loss and agreement on the validation triplets, in the order of their files."""
        found = {}
        self.student.eval()
        for name, (triplets, rows) in self.validation.items():
            size = self.options.batch_size
            count = -(-len(triplets) // size)
            if self.options.evaluation_batches is not None:
                count = min(count, self.options.evaluation_batches)
            which = (np.arange(at * size, min((at + 1) * size, len(triplets))) for at in range(count))
            sums = np.zeros(3)
            for batch in self._batches(pictures, triplets, which, rows):
                loss, agreement = self._judged(batch.pictures, batch.items, batch.similarities)
                sums += len(batch.items) * np.array([float(loss), float(agreement), 1])
            found[name] = {"loss": float(sums[0] / sums[2]), "agreement": float(sums[1] / sums[2]), "triplets": int(sums[2])}
        self.student.train()
        return found

    def _batches(self, pictures: Pictures, triplets: Triplets, which: Iterator[IntArray], rows: IntArray) -> Iterator[Batch]:
        return batches(pictures, triplets, which, rows, skip=self.options.on_error == "skip")

    def _kept(self, step: int) -> str:
        """Save what was learnt, and say where it is."""
        self.optimiser.clear()
        self._save(step)
        return f"What was learnt so far is kept: the last good checkpoint is {checkpoint_paths(self.folder)[-1]}."

    def _save(self, step: int) -> None:
        if self.ranks.writes:
            tensors = {f"student.{name}": each for name, each in self.student.state_dict().items()} | self.optimiser.state()
            write_checkpoint(self.folder, step, self.facts, tensors, keep=self.options.keep)

    def _restore(self, tensors: Mapping[str, torch.Tensor], step: int) -> None:
        held = {name.removeprefix("student."): each for name, each in tensors.items() if name.startswith("student.")}
        self.student.load_state_dict(held)
        self.optimiser.restore(tensors, step)

    def _as_model(self, seen: tuple[str, ...]) -> Model:
        if self.options.lora is not None:
            fold_lora(self.student)
        module = copy.deepcopy(self.student)
        card = dataclasses.replace(
            self.model.card,
            name=f"{self.model.name}+{self.label}",
            objective=f"{self.model.card.objective}, then odd-one-out triplets".removeprefix(", then "),
            parameters=sum(each.numel() for each in module.parameters()),
            layer="output[pre_logits]",
            pool="",
        )
        return dataclasses.replace(
            self.model,
            card=card,
            module=module,
            weights=weights_digest(module.state_dict()),
            seen=tuple(dict.fromkeys([*self.model.seen, *seen])),
        )

    def _notes(self) -> list[str]:
        notes, options = [], self.options
        if options.steps <= options.warmup:
            notes.append(
                f"the run ended after {options.steps:,} steps, while the learning rate was to climb for {options.warmup:,}: it never "
                f"reached {options.learning_rate:g}. A shorter warmup suits it."
            )
        if self.skipped:
            first = next(iter(self.skipped))
            notes.append(f"{len(self.skipped):,} pictures could not be read and their triplets were left out; the first is {first!r}.")
        loss = options.loss
        if loss.normalise and self.triplets.similarities is not None:
            some = torch.from_numpy(np.array(self.triplets.similarities[:10_000], dtype=np.float64))
            best, uniform = loss.attainable(some)
            if best > 0.5 * uniform:
                notes.append(
                    f"embeddings of unit length with temperature {loss.temperature:g} reach a loss of {best:.4f} at best, where answering "
                    f"1/3 to everything has {uniform:.4f}: lower the temperature, or set normalise=False."
                )
        return notes


def _rows(stimuli: Stimuli, triplets: Triplets, name: str) -> IntArray:
    return positions(stimuli.ids, triplets.objects, name=f"the pictures of {name}")
