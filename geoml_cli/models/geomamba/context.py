"""Encoders of place, time and static factors, and the gate that brings each into the stream.

Legend: B batch, T time steps, E embedding, S static factors, P time scales, W width of a time code.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.models.geomamba.backend import Kernels
from geoml_cli.models.geomamba.kan import KanLinear

YEAR_WIDTH = 4
"""Width of the scaled year's own code."""


class Fusion(nn.Module):
    """Residual gate by cross-attention: query = stream, key and value = context."""

    def __init__(self, embedding: int, heads: int, kernels: Kernels) -> None:
        super().__init__()
        self.cross_attn = nn.MultiheadAttention(embedding, heads, batch_first=True)
        self.layer_norm = nn.RMSNorm(embedding)
        self.feed_forward = nn.Sequential(
            KanLinear(embedding, 2 * embedding, kernels),
            nn.GELU(),
            KanLinear(2 * embedding, embedding, kernels),
            nn.GELU(),
            KanLinear(embedding, embedding, kernels),
            # After the last layer as well, unlike a Transformer's feed-forward part.
            nn.GELU(),
        )
        self.ffn_norm = nn.RMSNorm(embedding)

    def forward(self, stream_BTE: Tensor, context_BTE: Tensor) -> Tensor:
        """Return the stream with the context in it, [B, T, E]."""
        mixed_BTE = self.layer_norm(stream_BTE + self._attended(stream_BTE, context_BTE))
        out_BTE: Tensor = self.ffn_norm(mixed_BTE + self.feed_forward(mixed_BTE))
        return out_BTE

    def _attended(self, stream_BTE: Tensor, context_BTE: Tensor) -> Tensor:
        """Attend over time steps; over a single one the softmax is 1, and only value and output remain."""
        attention = self.cross_attn
        if context_BTE.shape[1] > 1:
            # Without a mask: each step of a window sees the contexts of all, later ones included.
            attended_BTE: Tensor = attention(stream_BTE, context_BTE, context_BTE, need_weights=False)[0]
            return attended_BTE
        # in_proj holds query, key and value, one below the other.
        values = slice(2 * attention.embed_dim, None)
        value_BTE = functional.linear(context_BTE, attention.in_proj_weight[values], attention.in_proj_bias[values])
        out_BTE: Tensor = attention.out_proj(value_BTE)
        return out_BTE


class TimeCode(nn.Module):
    """Cosine and sine of every time scale; holds no weights."""

    periods: Tensor

    def __init__(self, periods: tuple[float, ...]) -> None:
        super().__init__()
        # Not saved: released state dicts have no such key, and the periods are settings.
        self.register_buffer("periods", torch.tensor(periods), persistent=False)

    def forward(self, time_BTP: Tensor) -> Tensor:
        """Return [B, T, 2P]: cos, sin of the first scale, then of the next.

        Args:
            time_BTP: Time in the unit of each scale's period.
        """
        angle_BTP = 2 * math.pi * time_BTP / self.periods
        return torch.stack([angle_BTP.cos(), angle_BTP.sin()], dim=-1).flatten(-2)


class StaticEncoder(nn.Module):
    """Static factors to the stream's width."""

    def __init__(self, factors: int, embedding: int, kernels: Kernels) -> None:
        super().__init__()
        self.static_encoder = nn.Sequential(
            KanLinear(factors, 2 * embedding, kernels), KanLinear(2 * embedding, embedding, kernels)
        )
        self.RMSNorm = nn.RMSNorm(factors)

    def forward(self, static_BTS: Tensor) -> Tensor:
        """Return [B, T, E]."""
        out_BTE: Tensor = self.static_encoder(self.RMSNorm(static_BTS))
        return out_BTE


class PositionEncoder(nn.Module):
    """Latitude and longitude [degree], unscaled, to the stream's width."""

    def __init__(self, embedding: int, kernels: Kernels) -> None:
        super().__init__()
        self.position_embedding = nn.Sequential(
            KanLinear(2, 2 * embedding, kernels), KanLinear(2 * embedding, embedding, kernels)
        )
        self.RMSNorm = nn.RMSNorm(embedding)
        self.RMSNorm2 = nn.RMSNorm(2)

    def forward(self, position_BT2: Tensor) -> Tensor:
        """Return [B, T, E]."""
        # Degrees are not scaled: the first norm keeps their ratio and drops their size.
        out_BTE: Tensor = self.RMSNorm(self.position_embedding(self.RMSNorm2(position_BT2)))
        return out_BTE
