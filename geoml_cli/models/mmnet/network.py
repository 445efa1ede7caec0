"""The paper's three networks: MMNet, and its Transformer and MLP baselines.

Names of layers and their numbers within a sequence are those of the released checkpoints.

Legend: B batch, T days, S snapshot variables, F weather variables, D hidden.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_WIDTHS = (32, 64, 128)
HIDDEN = _WIDTHS[-1]
_HEADS, _INNER = 16, 256
_PERIOD = 1000.0
"""Base of the wavelengths of the positions; 10,000 in the Transformer's own paper (Vaswani et al. 2017)."""


class GaussianDropout(nn.Module):
    """Multiplies by normal numbers of mean 1 and standard deviation p / (1 - p) in training.

    Not the square root of that ratio, which Srivastava et al. (2014, section 10) and Keras take.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        # 0.25 at the paper's p of 0.2.
        self._deviation = p / (1 - p)

    def forward(self, values: Tensor) -> Tensor:
        """Return values of the same shape; unchanged in evaluation."""
        if not self.training or not self._deviation:
            return values
        return values * (1 + self._deviation * torch.randn_like(values))


def dense(inputs: int, outputs: int, dropout: float) -> list[nn.Module]:
    """Return one layer of an encoder: four modules, so that layers begin at 0, 4 and 8 of their sequence."""
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), GaussianDropout(dropout)]


def encoder(inputs: int, dropout: float) -> nn.Sequential:
    """Return the layers from a snapshot to a hidden state, S - 32 - 64 - 128."""
    sizes = zip((inputs, *_WIDTHS[:-1]), _WIDTHS, strict=True)
    return nn.Sequential(*(layer for size in sizes for layer in dense(*size, dropout)))


def decoder(dropout: float) -> nn.Sequential:
    """Return the layers from a hidden state to soil moisture, 128 - 64 - 32 - 1."""
    # The last layer is linear: values outside of 0..1 are possible, as published.
    return nn.Sequential(*dense(HIDDEN, 64, dropout), *dense(64, 32, dropout), nn.Linear(32, 1))


class DailyLayer(nn.Module):
    """One layer on every day; statistics of the norm run over batch and days together."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.lin = nn.Linear(inputs, outputs)
        self.bn = nn.BatchNorm1d(outputs)
        self.drop = GaussianDropout(dropout)

    def forward(self, series_BTF: Tensor) -> Tensor:
        """Return [B, T, outputs]."""
        hidden_BTD = self.lin(series_BTF)
        # BatchNorm1d takes [rows, channels]: a day is a row like any other.
        flat = self.bn(hidden_BTD.flatten(0, 1))  # [B * T, D]
        found: Tensor = self.drop(torch.relu(flat)).unflatten(0, hidden_BTD.shape[:2])
        return found


class Positions(nn.Module):
    """Sinusoidal positions of days: the oldest gets row 0, which is zero."""

    pe: Tensor

    def __init__(self, days: int) -> None:
        super().__init__()
        # A table of one row more than there are days, as released: its last row is never added.
        step = torch.arange(days, dtype=torch.float64)[:, None]
        angle = step / _PERIOD ** (torch.arange(0, HIDDEN, 2, dtype=torch.float64) / HIDDEN)
        table = torch.zeros(days + 1, HIDDEN)
        table[1:, 0::2], table[1:, 1::2] = angle.sin().float(), angle.cos().float()
        self.register_buffer("pe", table)

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        """Add the positions, shape unchanged."""
        return hidden_BTD + self.pe[: hidden_BTD.shape[1]]


class TemporalPath(nn.Module):
    """Daily layers, positions and one Transformer layer; the mean over days, shape [B, 128]."""

    def __init__(self, inputs: int, days: int, dropout: float) -> None:
        super().__init__()
        sizes = zip((inputs, *_WIDTHS[:-1]), _WIDTHS, strict=True)
        self.encoder_d = nn.ModuleList(DailyLayer(*size, dropout) for size in sizes)
        self.inlayernorm = nn.LayerNorm(HIDDEN)
        self.position_enc = Positions(days)
        # Normalised after each sum (post-norm), then once more at the end.
        layer = nn.TransformerEncoderLayer(HIDDEN, _HEADS, _INNER, dropout, batch_first=True)
        self.transformerencoder = nn.TransformerEncoder(
            layer, num_layers=1, norm=nn.LayerNorm(HIDDEN), enable_nested_tensor=False
        )

    def summary(self, series_BTF: Tensor) -> Tensor:
        """Return the mean over days, oldest first in `series_BTF`, shape [B, 128]."""
        hidden_BTD = series_BTF
        for layer in self.encoder_d:
            hidden_BTD = layer(hidden_BTD)
        # The norm comes before the positions, as published: they are added to numbers of about unit variance.
        hidden_BTD = self.transformerencoder(self.position_enc(self.inlayernorm(hidden_BTD)))
        mean_BD: Tensor = hidden_BTD.mean(dim=1)
        return mean_BD


class Mmnet(TemporalPath):
    """Snapshot and antecedent weather, each encoded by a path of its own, then fused."""

    def __init__(self, snapshot: int, weather: int, days: int, dropout: float) -> None:
        super().__init__(weather, days, dropout)
        self.encoder_s = encoder(snapshot, dropout)
        self.fusion = nn.Sequential(*dense(2 * HIDDEN, HIDDEN, dropout))
        self.decoder = decoder(dropout)

    def forward(self, snapshot_BS: Tensor, weather_BTF: Tensor) -> Tensor:
        """Return surface soil moisture [m3 m-3], shape [B].

        Args:
            snapshot_BS: Standardised snapshot.
            weather_BTF: Standardised daily weather, oldest day first.
        """
        # Snapshot first, as the released fusion layer reads them.
        both_BD = torch.cat([self.encoder_s(snapshot_BS), self.summary(weather_BTF)], dim=1)
        moisture_B: Tensor = self.decoder(self.fusion(both_BD)).squeeze(1)
        return moisture_B


class Transformer(TemporalPath):
    """The snapshot repeated on every day, in front of the weather, through the temporal path alone."""

    def __init__(self, snapshot: int, weather: int, days: int, dropout: float) -> None:
        super().__init__(snapshot + weather, days, dropout)
        self.decoder = decoder(dropout)

    def forward(self, snapshot_BS: Tensor, weather_BTF: Tensor) -> Tensor:
        """Return surface soil moisture [m3 m-3], shape [B]; arguments as for `Mmnet`."""
        repeated_BTS = snapshot_BS[:, None].expand(-1, weather_BTF.shape[1], -1)
        moisture_B: Tensor = self.decoder(self.summary(torch.cat([repeated_BTS, weather_BTF], dim=2))).squeeze(1)
        return moisture_B


class Mlp(nn.Module):
    """Snapshot and weather of the day itself, without antecedent days."""

    def __init__(self, snapshot: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder(snapshot, dropout)
        self.decoder = decoder(dropout)

    def forward(self, snapshot_BS: Tensor) -> Tensor:
        """Return surface soil moisture [m3 m-3], shape [B]."""
        moisture_B: Tensor = self.decoder(self.encoder(snapshot_BS)).squeeze(1)
        return moisture_B


def initialise(network: nn.Module) -> None:
    """Give weights the paper's start.

    Linear layers, those of the Transformer layer among them: Kaiming-normal weights (fan in, gain sqrt 2) and
    standard-normal biases. Batch norms: standard-normal weights, biases of 0. The joint input projection of the
    attention is a plain parameter and keeps PyTorch's start.
    """
    for module in network.modules():
        # Biases of standard deviation 1 are the release's, and unusual: PyTorch's are far smaller.
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.normal_(module.bias)
        elif isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.weight)
            nn.init.zeros_(module.bias)


def build(variant: str, snapshot: int, series: tuple[int, int], dropout: float) -> nn.Module:
    """Make the network of a variant with fresh weights.

    Args:
        variant: mmnet, transformer or mlp.
        snapshot: Variables S of the snapshot.
        series: Days T and variables F of the weather; not used by mlp.
        dropout: p of all dropouts.
    """
    days, weather = series
    network: nn.Module
    if variant == "mlp":
        network = Mlp(snapshot, dropout)
    else:
        network = (Mmnet if variant == "mmnet" else Transformer)(snapshot, weather, days, dropout)
    initialise(network)
    return network
