"""Two-dimensional Fourier transforms of real fields, in a form that every exported graph can hold.

Complex numbers and FFT operators do not survive the way to ONNX. While a graph is exported, a transform is two products
with the matrices of the discrete Fourier transform: the same function, for fields of some hundred rows and columns.

In mixed precision they stay in float32: FFT libraries know no bf16, and fp16 for powers of two alone.

Legend: H rows, W columns, K columns of a real spectrum (W/2 + 1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Spectrum(NamedTuple):
    """Real and imaginary part, each [..., H, K]."""

    real: Tensor
    imag: Tensor

    def angle(self) -> Tensor:
        """Return the angles [rad], -pi to pi."""
        if not torch.compiler.is_exporting():
            return torch.atan2(self.imag, self.real)
        # ONNX has no atan2, and what its exporter puts in place gives -pi for 0 above a negative number, not pi.
        half = torch.where(self.imag < 0, -math.pi / 2, math.pi / 2)
        upright = torch.where(self.imag == 0, 0.0, half)
        safe = torch.where(self.real == 0, 1.0, self.real)
        slope = torch.atan(self.imag / safe)
        turned = torch.where(self.real < 0, slope + 2 * half, slope)
        return torch.where(self.real == 0, upright, turned)

    def magnitude(self) -> Tensor:
        """Return the absolute values; the gradient of a zero is zero."""
        if torch.compiler.is_exporting():
            return torch.sqrt(self.real**2 + self.imag**2)
        return _complex(self).abs()


def rfft2(fields: Tensor, *, ortho: bool = False) -> Spectrum:
    """Transform real fields [..., H, W], as `torch.fft.rfft2` does; `ortho` divides by the root of H W."""
    if not torch.compiler.is_exporting():
        found = torch.fft.rfft2(_single(fields), norm="ortho" if ortho else "backward")
        return Spectrum(found.real, found.imag)
    height, width = fields.shape[-2:]
    # exp(-ia) = cos a - i sin a: over W first, to K columns, then over H.
    cos_W, sin_W = _waves(width, width // 2 + 1)
    cos_H, sin_H = _waves(height, height)
    real, imag = fields @ cos_W, -(fields @ sin_W)
    factor = (height * width) ** -0.5 if ortho else 1.0
    return Spectrum((cos_H @ real + sin_H @ imag) * factor, (cos_H @ imag - sin_H @ real) * factor)


def irfft2(spectrum: Spectrum, size: tuple[int, int], *, ortho: bool = False) -> Tensor:
    """Transform back to real fields [..., H, W], as `torch.fft.irfft2` does: rows first, then columns to real numbers.

    The spectrum need not be that of a real field.
    """
    if not torch.compiler.is_exporting():
        norm = "ortho" if ortho else "backward"
        values: Tensor = torch.fft.irfft2(_complex(spectrum), s=size, norm=norm)
        return values
    height, width = size
    cos_W, sin_W = _waves(width, width // 2 + 1)
    cos_H, sin_H = _waves(height, height)
    real = cos_H @ spectrum.real - sin_H @ spectrum.imag
    imag = cos_H @ spectrum.imag + sin_H @ spectrum.real
    # Every column but the first and the last stands for its conjugate as well.
    # W is even for every map here: columns 0 and W/2 are their own conjugates.
    twice = torch.full((width // 2 + 1,), 2.0)
    twice[0] = twice[-1] = 1.0
    factor = float(height * width) ** (-0.5 if ortho else -1.0)
    fields: Tensor = ((real * twice) @ cos_W.T - (imag * twice) @ sin_W.T) * factor
    return fields


def _complex(spectrum: Spectrum) -> Tensor:
    return torch.complex(_single(spectrum.real), _single(spectrum.imag))


def _single(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


def _waves(size: int, count: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the first `count` frequencies over a line, [size, count]."""
    # Whole turns are taken off in whole numbers: the angle of a large product would lose its digits.
    turns = torch.outer(torch.arange(size), torch.arange(count)) % size
    angle = turns.double() * (2 * math.pi / size)
    return angle.cos().float(), angle.sin().float()
