"""VisAlign's training recipe, with validation done right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from isomorph.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

    from isomorph.engine import Progress


class Examples(Protocol):
    """What is learnt from: rows with classes."""

    @property
    def columns(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The class of each row."""

    @property
    def digest(self) -> str:
        """Names them."""

    def batch(self, rows: np.ndarray[Any, Any], rng: np.random.Generator | None) -> torch.Tensor:
        """Rows as the network sees them; with a generator: varied, as in training."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network learns; the defaults are VisAlign's.

    AdamW and cross-entropy. After each epoch the validation pictures are judged anew, and by that epoch alone: the learning rate falls
    where their loss rests, and training ends where their accuracy has not grown for a while. (Upstream's program never clears what it
    gathered, so that both follow an average over all epochs so far.)

    Attributes:
        epochs: At most.
        batch_size: Pictures an update.
        learning_rate: At the beginning.
        weight_decay: Of AdamW.
        clip: The gradient's length, at most; 0: any.
        plateau_factor: The learning rate is multiplied by it …
        plateau_patience: … after more than this many epochs without a lower loss …
        plateau_cooldown: … and then not for this many epochs …
        least_learning_rate: … and never below this.
        patience: Training ends after this many epochs without a higher accuracy.
        keep: How many of the best epochs' weights are kept, beside the last.

    Example:
        >>> Training().learning_rate, Training(epochs=3).patience
        (1e-05, 15)
    """

    epochs: int = 1000
    batch_size: int = 16
    learning_rate: float = 1e-5
    weight_decay: float = 0.01
    clip: float = 0.5
    plateau_factor: float = 0.5
    plateau_patience: int = 10
    plateau_cooldown: int = 10
    least_learning_rate: float = 1e-6
    patience: int = 15
    keep: int = 10

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "keep"):
            if getattr(self, name) < 1:
                raise InputError(f"training needs {name} of 1 or more; got {getattr(self, name)}.")
        for name in ("learning_rate", "plateau_factor"):
            if not getattr(self, name) > 0:
                raise InputError(f"training needs {name} above 0; got {getattr(self, name):g}.")
        if not self.plateau_factor < 1:
            raise InputError(f"training's plateau_factor lowers the learning rate and must lie below 1; got {self.plateau_factor:g}.")

    def fit(
        self,
        network: Callable[[], torch.nn.Module],
        training: Examples,
        validation: Examples,
        *,
        folder: Path | str,
        seed: int = 45,
        label: str = "training",
        device: str = "cpu",
        progress: Progress | None = None,
        after_epoch: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> TrainedNetwork:
        """Train, or go on from the last whole checkpoint of `folder`; equal seeds give equal bits on one machine, interrupted or not.

        Args:
            network: Makes it; called with torch's generator at `seed`.
            training: Examples to learn from.
            validation: Others, to stop at the right time.
            folder: For `log.jsonl` (a line of JSON an epoch), `last.safetensors` and the best epochs' weights.
            seed: Of weights, order and variation; upstream's are 45 to 49.
            label: What progress is called.
            device: Where the network learns, and stays.
            progress: Where progress is shown.
            after_epoch: Called with each line of the log once its checkpoint is written.

        Raises:
            DeviceError: This machine has no such device.
            InputError: The folder holds another run, or the loss is no longer finite.
            FileError: A checkpoint cannot be read.
            StoreError: The folder cannot be written.
        """
        from isomorph.visalign._training_run import fit_network

        return fit_network(
            self, network, training, validation, folder=Path(folder), seed=seed, label=label, device=device, progress=progress,
            after_epoch=after_epoch,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedNetwork:
    """A network with the weights of its best epoch.

    Attributes:
        module: In evaluation mode.
        epoch: Whose weights they are; the first is 1.
        accuracy: On the validation pictures.
        loss: Likewise.
        history: A line an epoch: `epoch`, `train_loss`, `val_loss`, `val_acc`, `learning_rate`.
        stopped: `"patience"`, or `"epochs"`: why it ended.
        folder: Where it lies.
    """

    module: torch.nn.Module
    epoch: int
    accuracy: float
    loss: float
    history: tuple[dict[str, Any], ...] = field(default_factory=tuple)
    stopped: str = "epochs"
    folder: Path
