"""The two networks: windows of the indices through LSTMs with attention, joined with the position.

Legend: B batch, T values of a window, D hidden, P position features, F joined features.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.layers.onednn import linear

POSITION = 4
"""L, cos and sin of the local time, cos^6 of the latitude."""
WINDOWS = {"classifier": 2, "regressor": 4}
"""Windows each network sees: SME and SYM-H by the hour, and for the regressor every five minutes as well."""

# Widths of `pos_fc1` to `pos_fc3` and of `fc1` to `fc8` in the released weights; no setting changes them.
_POSITION_WIDTHS = (100, 200, 500)
_TRUNK_WIDTHS = (1024, 1024, 512, 512, 256, 256, 64, 1)
# Of LeakyReLU; PyTorch's default as well.
_SLOPE = 0.01
_DROPPED = (6, 7)
"""Layers of the trunk, counted from 1, that dropout follows."""


class Attention(nn.Module):
    """Weights of the values of a window; they sum to 1."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        # A module of its own for one layer, since the released keys say `lstmK.attention.attention.weight`.
        self.attention = nn.Linear(hidden, 1, bias=False)

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        """Return the weighted sum over the window, shape [B, D]."""
        # a_t = softmax_t(w h_t); the window becomes sum_t a_t h_t.
        weight_BT1 = torch.softmax(self.attention(hidden_BTD), dim=1)
        return (hidden_BTD * weight_BT1).sum(dim=1)


class AttentionLstm(nn.Module):
    """A window to a vector."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        # Each series has an LSTM of its own, over one number a step.
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.attention = Attention(hidden)

    def forward(self, window_BT1: Tensor) -> Tensor:
        """Return features of the window, shape [B, D]; oldest value first, no NaN."""
        features_BD: Tensor = self.attention(self.lstm(window_BT1)[0])
        return features_BD


class Stage(nn.Module):
    """Classifier or regressor: they differ in the number of windows.

    Args:
        windows: 2 or 4.
        hidden: Width of each LSTM.
        dropout: In training.
    """

    def __init__(self, windows: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self._windows, self._dropout = windows, dropout
        # Released names: `lstm1` SME and `lstm2` SYM-H by the hour, `lstm3` and `lstm4` the same every five minutes.
        for number in range(1, windows + 1):
            self.add_module(f"lstm{number}", AttentionLstm(hidden))
        widths = (windows * hidden + _POSITION_WIDTHS[-1], *_TRUNK_WIDTHS)
        for number, (before, width) in enumerate(pairwise(widths), start=1):
            self.add_module(f"fc{number}", nn.Linear(before, width))
        places = (POSITION, *_POSITION_WIDTHS)
        for number, (before, width) in enumerate(pairwise(places), start=1):
            self.add_module(f"pos_fc{number}", nn.Linear(before, width))

    def forward(self, position_BP: Tensor, *windows_BT1: Tensor) -> Tensor:
        """Return the logit of a wave's presence, or its amplitude [dB], shape [B].

        Args:
            position_BP: L, cos and sin of the local time, cos^6 of the latitude.
            windows_BT1: Indices [nT], oldest value first, no NaN. With a batch of 1 they are the same for all
                positions, and go through the LSTMs once.
        """
        past_BF = torch.cat([self._lstm(k, window) for k, window in enumerate(windows_BT1, start=1)], dim=1)
        place_BF = self._place(position_BP)
        if past_BF.shape[0] == 1:  # only then: an unconditional expand would fix the batch size of an export
            past_BF = past_BF.expand(place_BF.shape[0], -1)
        # The order of fc1's released weights: lstm1 to lstm4, then the position.
        joined_BF = torch.cat([past_BF, place_BF], dim=1)
        return self._trunk(joined_BF).squeeze(1)

    def _lstm(self, number: int, window_BT1: Tensor) -> Tensor:
        features: Tensor = self.get_submodule(f"lstm{number}")(window_BT1)
        return features

    def _linear(self, name: str, hidden: Tensor) -> Tensor:
        layer = self.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        return linear(hidden, layer.weight, layer.bias)

    def _place(self, position_BP: Tensor) -> Tensor:
        hidden = position_BP
        for number in range(1, len(_POSITION_WIDTHS) + 1):
            hidden = self._linear(f"pos_fc{number}", hidden)
            # Nothing follows the last of the three layers.
            if number < len(_POSITION_WIDTHS):
                hidden = torch.relu(hidden)
        return hidden

    def _trunk(self, hidden: Tensor) -> Tensor:
        for number in range(1, len(_TRUNK_WIDTHS) + 1):
            hidden = self._linear(f"fc{number}", hidden)
            if number < len(_TRUNK_WIDTHS):
                hidden = functional.leaky_relu(hidden, _SLOPE)
            if number in _DROPPED:
                hidden = functional.dropout(hidden, self._dropout, self.training)
        return hidden


def build(part: str, hidden: int, dropout: float) -> Stage:
    """Make the network of a part."""
    return Stage(WINDOWS[part], hidden, dropout)
