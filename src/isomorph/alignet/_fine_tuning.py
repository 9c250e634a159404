"""How a student is fine-tuned on triplets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph import spec
from isomorph.alignet._triplet_loss import TripletLoss
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.alignet._fine_tuned import FineTuned
    from isomorph.engine import Progress
    from isomorph.judgments import Triplets
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

_WHOLE = ("steps", "batch_size", "accumulate", "dimensions", "evaluate_every", "evaluation_batches", "checkpoint_every", "keep")


@dataclass(frozen=True, kw_only=True)
class LoRA:
    r"""Train low-rank additions to the linear maps instead of the weights.

    $$y = W x + \frac{\alpha}{r} B A x, \qquad A \in \mathbb{R}^{r \times p},\; B \in \mathbb{R}^{q \times r}$$

    Attributes:
        rank: Of each addition.
        alpha: An addition counts alpha / rank times.
        modules: Which: the ends of module names, such as `("qkv", "proj")`; empty: every `torch.nn.Linear` of the network.
        dropout: Before each addition, while training.

    Raises:
        InputError: The rank is below 1, alpha not above 0, or dropout not a share below 1.

    References:
        Hu et al., 2021, <https://arxiv.org/abs/2106.09685>.
    """

    rank: int = 8
    alpha: float = 16.0
    modules: tuple[str, ...] = ()
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha <= 0 or not 0 <= self.dropout < 1:
            raise InputError(
                f"LoRA needs a rank of at least 1, alpha above 0 and dropout below 1; got {self.rank}, {self.alpha}, {self.dropout}."
            )


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    r"""Teaches a network a teacher's odd-one-out choices, and pulls it back to where it began.

    Each step takes `batch_size` triplets, shows each of their pictures to the student once, and follows the gradient of the mean
    `TripletLoss` between dot products of `triplet_logits` and the teacher's similarities. The defaults are those of AligNet's released
    code (preset `"alignet-released"`); the paper states another loss and another pull (`"alignet-paper"`).

    $$\theta_{t+1} = \theta_t - \eta_t \Big(\frac{\hat m_t}{\sqrt{\hat v_t} + 10^{-8}} + \lambda (\theta_t - \theta_0)\Big), \qquad
    \eta_t = \eta \cdot \begin{cases} t / w & t < w \\ \tfrac12 \big(1 + \cos \pi \tfrac{t - w}{T - w}\big) & t \ge w \end{cases}$$

    with Adam's moments (β = 0.9 and 0.999) of the gradient, `warmup` w and `steps` T; t counts from 0.

    Attributes:
        steps: How many updates.
        batch_size: Triplets an update, of all machines together.
        accumulate: In how many parts an update's triplets go through the network, to save memory.
        learning_rate: The highest; it climbs from 0 and falls to 0 along a half cosine.
        warmup: How many steps it climbs.
        loss: Against the teacher.
        pull: λ of the pull to the initial weights.
        pull_form: `"decoupled"`, outside Adam's moments (θ ← θ - η λ (θ - θ₀)), or `"penalty"`, λ‖θ - θ₀‖² as part of the loss.
        pull_head: Whether the pull also holds the head, which began at random; the released code does.
        clip: The most that the norm of the gradient may be; None: anything.
        dimensions: Of the head for triplets.
        precision: `"float32"`, or `"bfloat16"`: forward and backward in it, weights and updates in float32.
        lora: Train low-rank additions only.
        seed: Of the order of triplets, the head's first weights and dropout.
        evaluate_every: Steps between looks at the validation triplets; the last step is always followed by one.
        evaluation_batches: How many batches of each validation set those take; None: all.
        checkpoint_every: Steps between checkpoints.
        keep: How many checkpoints stay.
        on_error: A picture that cannot be read stops the run, with a checkpoint (`"raise"`), or its triplets are left out (`"skip"`).

    Raises:
        InputError: An option is out of its range.

    References:
        Muttenthaler et al., 2024, <https://arxiv.org/abs/2409.06509>.
    """

    steps: int = 100_000
    batch_size: int = 512
    accumulate: int = 1
    learning_rate: float = 3e-5
    warmup: int = 5_000
    loss: TripletLoss = field(default_factory=TripletLoss)
    pull: float = 1.0
    pull_form: Literal["decoupled", "penalty"] = "decoupled"
    pull_head: bool = True
    clip: float | None = None
    dimensions: int = 1024
    precision: Literal["float32", "bfloat16"] = "float32"
    lora: LoRA | None = None
    seed: int = 42
    evaluate_every: int = 5_000
    evaluation_batches: int | None = 2
    checkpoint_every: int = 10_000
    keep: int = 3
    on_error: Literal["raise", "skip"] = "raise"

    def __post_init__(self) -> None:
        for name in _WHOLE:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1; got {value!r}.")
        for name in ("learning_rate", "clip"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be above 0; got {value!r}.")
        if self.warmup < 0 or self.seed < 0 or not (math.isfinite(self.pull) and self.pull >= 0):
            raise InputError(f"warmup, pull and seed must be 0 or more; got {self.warmup!r}, {self.pull!r} and {self.seed!r}.")
        for name, known in (
            ("pull_form", ("decoupled", "penalty")),
            ("precision", ("float32", "bfloat16")),
            ("on_error", ("raise", "skip")),
        ):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be {' or '.join(map(repr, known))}; got {getattr(self, name)!r}.")
        if self.accumulate > self.batch_size:
            raise InputError(f"a batch of {self.batch_size} triplets cannot be split into {self.accumulate} parts.")

    @classmethod
    def preset(cls, name: Literal["alignet-released", "alignet-paper"], **changes: Any) -> FineTuning:
        """The published recipes.

        `"alignet-released"`: the defaults (Jensen-Shannon divergence, temperature 100, decoupled pull of everything). `"alignet-paper"`:
        Kullback-Leibler divergence and the penalty λ‖θ - θ₀‖², which leaves the new head alone; its λ is not public, 1e-4 is ours.

        Example:
            >>> FineTuning.preset("alignet-paper", steps=10).loss.kind
            'kl'
        """
        recipes: dict[str, dict[str, Any]] = {
            "alignet-released": {},
            "alignet-paper": {"loss": TripletLoss(kind="kl"), "pull": 1e-4, "pull_form": "penalty", "pull_head": False},
        }
        if name not in recipes:
            raise InputError(f"the published recipes are {' and '.join(map(repr, recipes))}; got {name!r}.")
        return cls(**(recipes[name] | changes))

    def fit(
        self,
        model: Model,
        stimuli: Stimuli,
        triplets: Triplets,
        *,
        folder: Path | str,
        validation: Mapping[str, Triplets] | None = None,
        layer: str | None = None,
        pool: Any = None,
        workers: int = 2,
        cache: str | int = "1GB",
        tensorboard: bool = False,
        label: str = "alignet",
        seen: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> FineTuned:
        """Fine-tune a copy of a model; run again, it goes on from the last checkpoint in `folder`.

        Started by `torchrun`, each process takes its share of every batch, and the first one writes.

        Args:
            model: What the student begins as; it stays as it is. Its recipe prepares the pictures, in training and ever after.
            stimuli: The pictures; they and the triplets meet by id.
            triplets: With a teacher's similarities (canonical: the odd one last), or with shares of people.
            folder: For checkpoints, the log (`log.jsonl`, one line a step) and TensorBoard's events.
            validation: Triplets by name, to look at while training.
            layer: What the student's `pre_logits` are; None: see `Student.of`.
            pool: How they become one row.
            workers: Threads that decode.
            cache: What prepared pictures that are kept in memory may take.
            tensorboard: Write events for TensorBoard too.
            label: The student is called `MODEL+label`.
            seen: Further stimuli whose human judgments the teacher was fitted to; they travel with the student.
            progress: Where to show steps, loss and agreement.

        Returns:
            FineTuned: The student as a model, its history and where it lies.

        Raises:
            IdError: The triplets show a picture that the stimuli lack.
            InputError: There are fewer triplets than a batch has; a picture cannot be read; or the folder holds another run.
            NonFiniteError: The loss is no longer finite; the message names the last good checkpoint.
            StoreError: A checkpoint cannot be written.
        """
        from isomorph.alignet._training import Training
        from isomorph.engine import parse_bytes

        training = Training(self, model, stimuli, triplets, Path(folder), validation or {}, layer=layer, pool=pool, label=label)
        return training.run(
            workers=workers, cache_bytes=parse_bytes(cache, name="cache"), tensorboard=tensorboard, seen=tuple(seen), progress=progress
        )

    @property
    def options(self) -> dict[str, Any]:
        """The options as plain data."""
        plain: dict[str, Any] = spec.to_plain(self)
        return plain
