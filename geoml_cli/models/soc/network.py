"""The paper's three networks.

Legend: B batch, C covariates, H rows and W columns of the window, T years, F features, D hidden.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from geoml_cli.models.soc.settings import NetworkSettings

WINDOW = 5
"""Side of the window [pixels]; with two 2x2 convolutions (padding 1) and poolings it ends as 2 x 2."""

_FLAT = 16 * 2 * 2
# Width at which both halves are joined; the single networks have it before their last layer.
_JOINT = 16
_BIAS = 0.01
"""The paper's initial bias of linear layers."""


class Cnn(nn.Module):
    """Window of static covariates to SOC.

    Source: Zhang et al. 2022, doi:10.3390/rs14184441.
    """

    def __init__(self, covariates: int) -> None:
        super().__init__()
        # 16 channels here and 6 in `CnnLstm`, as published.
        self.conv1 = nn.Conv2d(covariates, 16, kernel_size=2, padding=1)
        self.conv2 = nn.Conv2d(16, 16, kernel_size=2, padding=1)
        self.fc1 = nn.Linear(_FLAT, _JOINT)
        self.fc2 = nn.Linear(_JOINT, 1)
        initialise(self)

    def forward(self, static_BCHW: Tensor) -> Tensor:
        """Return SOC in the scaled target's units, shape [B].

        Args:
            static_BCHW: Scaled covariates, windows of 5 x 5; no NaN.
        """
        return self.head(convolved(static_BCHW, self.conv1, self.conv2))

    def head(self, hidden_BD: Tensor) -> Tensor:
        """Return SOC of convolved windows [B, 64], shape [B]."""
        soc_B: Tensor = self.fc2(torch.relu(self.fc1(hidden_BD))).squeeze(1)
        return soc_B


class Lstm(nn.Module):
    """Yearly series to SOC."""

    def __init__(self, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True)
        # Spelt `fc_1` here and `fc1` in `Cnn`: names are those of the paper's checkpoints.
        self.fc_1 = nn.Linear(hidden, _JOINT)
        self.fc_2 = nn.Linear(_JOINT, 1)
        initialise(self)

    def forward(self, series_BTF: Tensor) -> Tensor:
        """Return SOC in the scaled target's units, shape [B].

        Args:
            series_BTF: Scaled features, oldest year first; no NaN.
        """
        # The last year's state stands for the whole series.
        last_BD = self.lstm(series_BTF)[0][:, -1]
        soc_B: Tensor = self.fc_2(torch.tanh(self.fc_1(last_BD))).squeeze(1)
        return soc_B


class CnnLstm(nn.Module):
    """Window and series, each to 16 numbers, joined to SOC."""

    def __init__(self, covariates: int, features: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(covariates, 6, kernel_size=2, padding=1)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=2, padding=1)
        self.fc_cnn_1 = nn.Linear(_FLAT, _JOINT)
        self.lstm = nn.LSTM(features, hidden, layers, batch_first=True)
        self.fc_lstm_1 = nn.Linear(hidden, _JOINT)
        self.fc_final = nn.Linear(2 * _JOINT, 1)
        initialise(self)

    def forward(self, static_BCHW: Tensor, series_BTF: Tensor) -> Tensor:
        """Return SOC in the scaled target's units, shape [B]; arguments as for `Cnn` and `Lstm`."""
        return self.head(convolved(static_BCHW, self.conv1, self.conv2), series_BTF)

    def head(self, hidden_BD: Tensor, series_BTF: Tensor) -> Tensor:
        """Return SOC of convolved windows [B, 64] and their series, shape [B]."""
        # The two halves have different activations, as published.
        place_BD = torch.relu(self.fc_cnn_1(hidden_BD))
        past_BD = torch.tanh(self.fc_lstm_1(self.lstm(series_BTF)[0][:, -1]))
        soc_B: Tensor = self.fc_final(torch.cat([place_BD, past_BD], dim=1)).squeeze(1)
        return soc_B


def convolved(static_BCHW: Tensor, first: nn.Conv2d, second: nn.Conv2d) -> Tensor:
    """Convolve and pool twice, shape [B, 64]; sides go 5, 6, 3, 4, 2."""
    hidden_BCHW = torch.max_pool2d(torch.relu(first(static_BCHW)), 2)
    hidden_BCHW = torch.max_pool2d(torch.relu(second(hidden_BCHW)), 2)
    return hidden_BCHW.flatten(1)


def initialise(network: nn.Module) -> None:
    """Give weights the paper's start: Xavier-uniform matrices, biases of 0.01 in linear layers."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.constant_(module.bias, _BIAS)
        # Of an LSTM the matrices of all four gates are drawn together, with the fan-out of 4 D. Its biases and those of
        # convolutions keep PyTorch's start.
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.LSTM)):
            for parameter in (p for name, p in module.named_parameters() if name.startswith("weight")):
                nn.init.xavier_uniform_(parameter)


def build(settings: NetworkSettings, covariates: int, features: int) -> nn.Module:
    """Make the network of a variant; `covariates` or `features` is 0 where it does not see them."""
    if settings.variant == "cnn":
        return Cnn(covariates)
    if settings.variant == "lstm":
        return Lstm(features, settings.hidden, settings.layers)
    return CnnLstm(covariates, features, settings.hidden, settings.layers)
