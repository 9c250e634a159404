"""The epochs of a training run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph import spec
from isomorph.errors import InputError
from isomorph.models._weights import seeded
from isomorph.store._atomic import write_bytes
from isomorph.visalign._epoch_file import read_epoch, write_epoch
from isomorph.visalign._training import Examples, TrainedNetwork, Training

if TYPE_CHECKING:
    import torch

    from isomorph.engine import Progress


@dataclass
class Standing:
    """What decides over the learning rate and the end; plain numbers, so that a checkpoint can hold them."""

    epoch: int = 0
    rate: float = 0.0
    lowest_loss: float = float("inf")
    idle_loss: int = 0
    cooling: int = 0
    best_accuracy: float = -1.0
    idle_accuracy: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def note(self, options: Training, train_loss: float, loss: float, accuracy: float) -> dict[str, Any]:
        """One epoch's outcome: its line, after which the learning rate and the counts are those of the next epoch."""
        self.epoch += 1
        line = {"epoch": self.epoch, "train_loss": train_loss, "val_loss": loss, "val_acc": accuracy, "learning_rate": self.rate}
        self.history.append(line)
        self.idle_accuracy = 0 if accuracy > self.best_accuracy else self.idle_accuracy + 1
        self.best_accuracy = max(self.best_accuracy, accuracy)
        lower = loss < self.lowest_loss * (1 - 1e-4)
        self.lowest_loss = loss if lower else self.lowest_loss
        self.idle_loss = 0 if lower else self.idle_loss + 1
        if self.cooling:
            self.cooling, self.idle_loss = self.cooling - 1, 0
        if self.idle_loss > options.plateau_patience:
            self.rate = max(self.rate * options.plateau_factor, min(options.least_learning_rate, self.rate))
            self.cooling, self.idle_loss = options.plateau_cooldown, 0
        return line

    def ended(self, options: Training) -> str:
        """Why it is over; empty where it is not."""
        return "patience" if self.idle_accuracy >= options.patience else "epochs" if self.epoch >= options.epochs else ""


def fit_network(
    options: Training,
    network: Callable[[], torch.nn.Module],
    training: Examples,
    validation: Examples,
    *,
    folder: Path,
    seed: int,
    label: str,
    device: str,
    progress: Progress | None,
    after_epoch: Callable[[Mapping[str, Any]], None] | None,
) -> TrainedNetwork:
    """See `Training.fit`."""
    import torch

    from isomorph.engine import Progress
    from isomorph.models._device import find_device

    module = seeded(network, seed).to(find_device(device))
    optimiser = torch.optim.AdamW(module.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay)
    shapes = [[name, list(each.shape)] for name, each in module.state_dict().items()]
    asked = spec.fingerprint([options, seed, training.digest, validation.digest, shapes])
    standing = _resumed(folder, asked, module, optimiser) or Standing(rate=options.learning_rate)
    with (progress or Progress(quiet=True)).task(label, options.epochs, unit="epochs", done=standing.epoch) as task:
        while not standing.ended(options):
            line = _epoch(options, module, optimiser, training, validation, standing, seed)
            _keep(folder, options, asked, module, optimiser, standing)
            task.advance()
            if after_epoch is not None:
                after_epoch(line)
    best = max(standing.history, key=_rank)
    tensors, _ = read_epoch(_best_path(folder, best["epoch"]))
    module.load_state_dict(tensors)
    module.eval().requires_grad_(False)
    return TrainedNetwork(
        module=module, epoch=best["epoch"], accuracy=best["val_acc"], loss=best["val_loss"], history=tuple(standing.history),
        stopped=standing.ended(options), folder=folder,
    )  # fmt: skip


def _rank(line: Mapping[str, Any]) -> tuple[float, float, int]:
    """Higher is better: by accuracy, then by loss, then the earlier."""
    return line["val_acc"], -line["val_loss"], -line["epoch"]


def _epoch(
    options: Training, module: Any, optimiser: Any, training: Examples, validation: Examples, standing: Standing, seed: int
) -> dict[str, Any]:
    """Learn from every example once, and judge the validation examples afterwards; chance is that of the seed and the epoch."""
    import torch

    rng = np.random.default_rng([seed, standing.epoch])
    for group in optimiser.param_groups:
        group["lr"] = standing.rate
    order, total = rng.permutation(len(training.columns)), 0.0
    module.train()
    where = next(module.parameters()).device
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []), torch.inference_mode(mode=False), torch.enable_grad():
        torch.manual_seed(int(rng.integers(2**62)))
        for start in range(0, len(order), options.batch_size):
            rows = order[start : start + options.batch_size]
            wanted = torch.from_numpy(training.columns[rows]).to(where)
            loss = torch.nn.functional.cross_entropy(module(training.batch(rows, rng).to(where)), wanted)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if options.clip:
                torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip)
            optimiser.step()
            total += loss.item() * len(rows)
    mean = total / len(order)
    if not np.isfinite(mean):
        raise InputError(f"the loss of epoch {standing.epoch + 1} is {mean}; lower the learning rate ({standing.rate:g}).")
    return standing.note(options, mean, *judge(module, validation, options.batch_size))


def judge(module: Any, examples: Examples, batch_size: int) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on examples as they are."""
    import torch

    module.eval()
    where, loss, right = next(module.parameters()).device, 0.0, 0.0
    with torch.inference_mode():
        for start in range(0, len(examples.columns), batch_size):
            rows = np.arange(start, min(start + batch_size, len(examples.columns)))
            logits, wanted = module(examples.batch(rows, None).to(where)), torch.from_numpy(examples.columns[rows]).to(where)
            loss += float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))
            right += float((logits.argmax(1) == wanted).sum())
    return loss / len(examples.columns), right / len(examples.columns)


def _best_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:06d}.safetensors"


def _keep(folder: Path, options: Training, asked: str, module: Any, optimiser: Any, standing: Standing) -> None:
    """The best epochs' weights first, then where training stands: a kill between the two repeats an epoch, to the same bits."""
    best = {each["epoch"] for each in sorted(standing.history, key=_rank, reverse=True)[: options.keep]}
    weights = dict(module.state_dict())
    if standing.epoch in best:
        write_epoch(_best_path(folder, standing.epoch), weights, {"asked": asked, "epoch": standing.epoch})
    moments = {f"moment/{at}/{name}": value for at, state in optimiser.state_dict()["state"].items() for name, value in state.items()}
    held = {f"weight/{name}": each for name, each in weights.items()} | moments
    write_epoch(folder / "last.safetensors", held, {"asked": asked, "standing": vars(standing)})
    log = "".join(json.dumps(each) + "\n" for each in standing.history)
    write_bytes(folder / "log.jsonl", log.encode(), durable=False)
    for path in folder.glob("epoch-*.safetensors"):
        if path not in {_best_path(folder, each) for each in best}:
            path.unlink(missing_ok=True)


def _resumed(folder: Path, asked: str, module: Any, optimiser: Any) -> Standing | None:
    path = folder / "last.safetensors"
    if not path.is_file():
        return None
    tensors, facts = read_epoch(path)
    if facts.get("asked") != asked:
        raise InputError(f"{folder} holds another training run (other options, pictures, seed or network). Pass another folder.")
    module.load_state_dict({name.removeprefix("weight/"): each for name, each in tensors.items() if name.startswith("weight/")})
    state: dict[int, dict[str, Any]] = {}
    for name, each in tensors.items():
        if name.startswith("moment/"):
            _, at, key = name.split("/", 2)
            state.setdefault(int(at), {})[key] = each
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return Standing(**facts["standing"])


def rows_digest(values: Any) -> str:
    """Names an array by its bytes."""
    array = np.ascontiguousarray(values)
    return hashlib.sha256(f"{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()
