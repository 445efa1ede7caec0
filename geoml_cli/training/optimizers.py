"""Optimisers and the course of the learning rate."""

from __future__ import annotations

import math

import torch
from torch import nn

from geoml_cli.config.tables.train import TrainSettings


def optimiser(settings: TrainSettings, network: nn.Module, *, fused: bool = False) -> torch.optim.Optimizer:
    """Make the preset's optimiser over all parameters that are not frozen.

    Args:
        settings: The preset's `[train]`.
        network: What it updates.
        fused: Update all parameters by one kernel, equal within rounding; else by PyTorch's choice.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    # The first beta stands for the momentum, as it does in Adam.
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=settings.lr,
            momentum=settings.betas[0],
            weight_decay=settings.weight_decay,
            fused=fused or None,
        )
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(
        parameters,
        lr=settings.lr,
        betas=settings.betas,
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=fused or None,
    )


def rate(settings: TrainSettings, step: int, total: int) -> float:
    """Return the learning rate of a step.

    A function of the step alone: nothing to save, nothing to restore.

    Args:
        settings: The preset's `[train]`.
        step: Counted from 0.
        total: Steps of the whole training.
    """
    if step < settings.warmup_steps:
        # The first step has its share of the rate: with 0 it would be lost.
        return settings.lr * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.lr
    half = settings.cosine_steps or max(total - settings.warmup_steps, 1)
    passed = (step - settings.warmup_steps) / half
    if settings.schedule == "linear":
        return settings.lr + (settings.lr_min - settings.lr) * min(passed, 1.0)
    # Not clipped at its half period: with `cosine_steps` the rate rises again, as in Geo-Mamba's protocol.
    phase = math.cos(math.pi * passed)
    return settings.lr_min + (settings.lr - settings.lr_min) * (1 + phase) / 2
