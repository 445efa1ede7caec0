"""The `[train]`, `[predict]` and `[export]` tables."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from geoml_cli.samples.settings import Table


class TrainSettings(Table):
    """`[train]`: how every member is trained."""

    epochs: int = Field(default=100, ge=1)
    """Passes over the training rows."""

    steps: int | None = Field(default=None, ge=1)
    """Optimiser steps, in place of `epochs`."""

    batch_size: int = Field(default=32, ge=1)
    """Rows per optimiser step, over all processes together."""

    accumulate: int = Field(default=1, ge=1)
    """Parts a batch is cut into: less memory, the same step."""

    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    """The update rule."""

    lr: float = Field(default=1e-3, gt=0)
    """Learning rate at its highest."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the first and second moments (adam, adamw); the first is the momentum of sgd."""

    eps: float = Field(default=1e-8, gt=0)
    """Term added to the denominator (adam, adamw)."""

    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty (adam, sgd) or decoupled decay (adamw)."""

    schedule: Literal["constant", "cosine", "linear"] = "constant"
    """Course of the learning rate over steps, after the warm-up."""

    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the rate rises linearly from 0."""

    cosine_steps: int | None = Field(default=None, ge=1)
    """Steps from the highest to the lowest rate; past them the rate of a cosine rises again, that of a line stays.
    Default: to the end of training."""

    lr_min: float = Field(default=0.0, ge=0)
    """The lowest rate of the cosine or the line."""

    clip_norm: float | None = Field(default=None, gt=0)
    """Largest norm of the gradient; longer ones are shortened to it."""

    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Decay of an exponential moving average of the weights, which is then what is evaluated and kept."""

    ema_every: int = Field(default=1, ge=1)
    """Steps between updates of the average."""

    evaluate_epochs: int = Field(default=1, ge=1)
    """Epochs between validations."""

    evaluate_steps: int | None = Field(default=None, ge=1)
    """Steps between validations, in place of `evaluate_epochs`."""

    patience: int | None = Field(default=None, ge=1)
    """Validations without improvement after which a member stops; none trains to the end."""

    start_run: str = ""
    """Folder of a run whose best weights the members start from (fine-tuning); empty starts from fresh weights.
    `geoml train --from RUN` sets it."""

    start_member: str = ""
    """Member of `start_run`; empty takes the one of the same name, or the only one."""

    rescale: bool = False
    """Fit the scaling of inputs and target on the training rows of this run, in place of keeping that of `start_run`,
    which the weights know."""

    freeze: tuple[str, ...] = ()
    """Parts of the network that keep the weights of `start_run`, by name, such as `conv1` or `lstm`: no gradient, no
    weight decay, and BatchNorm and dropout inside them as in evaluation."""

    note: str = ""
    """Text that is kept with the run, such as why it was made. `geoml train --note TEXT` sets it."""

    restore: str = "best"
    """The weights that are used afterwards: `best` by the validation loss, best by another of the network's validation
    scores, such as `csi`, or the `last` (some papers' way)."""

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """Mixed precision; weights stay in fp32. Layers that the device cannot compute in it run in float32."""

    deterministic: bool = True
    """Only algorithms that give the same bits in every run."""

    cuda_graphs: bool = False
    """Record a training step on an NVIDIA card and replay it (`geomamba`, one GPU): networks of many small operations
    then no longer wait for Python."""

    seeds_at_once: bool = False
    """Train the seeds of a fold in lockstep, as one network of stacked weights with a fused optimiser (`soc` with
    `network.variant = "cnn"`, on the CPU): faster for many seeds. Weights are the same within rounding, which grows
    with the steps."""

    threads: int | None = Field(default=None, ge=1)
    """CPU threads a process; small networks are fastest with one. Default: torch's choice."""

    checkpoint_seconds: float = Field(default=30.0, ge=0)
    """Time between checkpoints [s]; a killed run repeats at most this much. 0 saves after every step."""

    calibrate: bool = True
    """Predict the test rows once all members are trained: prediction intervals come from their errors."""

    trackers: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    """Where history goes in addition to `history.jsonl`; needs the extra `track`."""

    @model_validator(mode="after")
    def _agreeing(self) -> TrainSettings:
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are at least 0 and below 1, not {list(self.betas)}")
        if self.lr_min > self.lr:
            raise ValueError(f"lr_min {self.lr_min:g} is above lr {self.lr:g}")
        if self.accumulate > self.batch_size:
            raise ValueError(f"accumulate {self.accumulate} cuts a batch of {self.batch_size} into empty parts")
        if self.start_member and not self.start_run:
            raise ValueError(f"start_member = {self.start_member!r} is of no run: name it with start_run (--from RUN)")
        self._refuse_without_start()
        return self

    def unused(self) -> dict[str, str]:
        """Return what the schedule, the average and the update rule do not use."""
        found: dict[str, str] = {}
        if self.schedule == "constant":
            found |= dict.fromkeys(("lr_min", "cosine_steps"), "schedule is 'constant'")
        if self.ema_decay is None:
            found["ema_every"] = "there is no ema_decay"
        for name in ("epochs", "evaluate_epochs"):
            other = name.replace("epochs", "steps")
            if getattr(self, other) is not None:
                found[name] = f"{other} = {getattr(self, other)} counts in its place"
        if self.optimiser == "sgd":
            found["eps"] = "optimiser is 'sgd'"
        return found

    def _refuse_without_start(self) -> None:
        """Refuse settings that mean something for weights of another run only."""
        for name in ("rescale", "freeze"):
            if getattr(self, name) and not self.start_run:
                raise ValueError(f"{name} concerns weights of another run: name it with start_run (--from RUN)")


class PredictSettings(Table):
    """`[predict]`: how predictions are made."""

    batch_size: int | None = Field(default=None, ge=1)
    """Samples a network sees at a time. On a CPU, batches of values (not of maps) run side by side, one thread each: as
    many are in memory as there are threads, and one more. Default: as many as keep the widest result of an operation
    within 8 MiB (256 MiB on a GPU), 2048 at most (4096)."""

    block: int = Field(default=128, ge=16, multiple_of=16)
    """Side of a raster block [pixels]: with it go the memory a map takes and what a killed map repeats."""

    rows: int = Field(default=65536, ge=1)
    """Rows of a table read, predicted and written at a time."""

    coverage: float = Field(default=0.9, ge=0, lt=1)
    """Share of new rows that prediction intervals (or sets of classes) are to hold; 0 gives none."""

    applicability: bool = True
    """Give each prediction the dissimilarity of its inputs to those of the training rows, and whether it lies in the
    area of applicability."""

    page: bool = True
    """Draw a map (PNG), and an animation of several (GIF), and write its style for QGIS next to it."""

    out_of_range: float = Field(default=0.5, ge=0, le=1)
    """Share of an input's values that may lie outside the range of the training rows; beyond it the prediction is
    refused."""


class ExportSettings(Table):
    """`[export]`: what an exported graph must prove."""

    tolerance: float = Field(default=1e-4, gt=0)
    """Largest difference to the network, relative to its predictions' standard deviation; rounding comes on top."""

    samples: int = Field(default=64, ge=1)
    """Real samples that the check runs."""
