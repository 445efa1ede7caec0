"""Products with the matrices of the transform equal the FFT, which an exported graph cannot hold."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from geoml_cli.layers.fourier import Spectrum, irfft2, rfft2


class Forward(nn.Module):
    def __init__(self, ortho: bool) -> None:
        super().__init__()
        self.ortho = ortho

    def forward(self, fields: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(rfft2(fields, ortho=self.ortho))


class Back(nn.Module):
    def __init__(self, ortho: bool) -> None:
        super().__init__()
        self.ortho = ortho

    def forward(self, real: Tensor, imag: Tensor) -> Tensor:
        return irfft2(Spectrum(real, imag), (24, 40), ortho=self.ortho)


@pytest.mark.parametrize("ortho", [False, True])
def test_an_exported_transform_equals_the_fft(ortho):
    torch.manual_seed(1)
    fields = torch.randn(3, 24, 40)
    program = torch.export.export(Forward(ortho), (fields,))
    assert not any("fft" in str(node.target) for node in program.graph.nodes)
    for found, expected in zip(program.module()(fields), rfft2(fields, ortho=ortho), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("ortho", [False, True])
def test_an_exported_inverse_equals_the_fft_of_any_spectrum(ortho):
    """One that is not of a real field: first and last column have imaginary parts, rows are not conjugate."""
    torch.manual_seed(1)
    parts = torch.randn(2, 24, 21), torch.randn(2, 24, 21)
    program = torch.export.export(Back(ortho), parts)
    assert not any("fft" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(*parts), irfft2(Spectrum(*parts), (24, 40), ortho=ortho))


class Angle(nn.Module):
    def forward(self, real: Tensor, imag: Tensor) -> Tensor:
        return Spectrum(real, imag).angle()


def test_an_exported_angle_equals_atan2_on_the_axes_too():
    values = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0])
    real, imag = (part.reshape(-1) for part in torch.meshgrid(values, values, indexing="ij"))
    program = torch.export.export(Angle(), (real, imag))
    assert not any("atan2" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(real, imag), torch.atan2(imag, real))


def test_there_and_back():
    fields = torch.randn(2, 16, 8)
    torch.testing.assert_close(irfft2(rfft2(fields), (16, 8)), fields)
    torch.testing.assert_close(rfft2(fields).magnitude(), torch.fft.rfft2(fields).abs())


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_transforms_stay_in_float32(kind):
    torch.manual_seed(1)
    fields = torch.randn(3, 24, 40).to(kind)
    spectrum = rfft2(fields)
    torch.testing.assert_close(spectrum, rfft2(fields.float()), rtol=0, atol=0)
    lower = Spectrum(*(part.to(kind) for part in spectrum))
    single = Spectrum(*(part.float() for part in lower))
    torch.testing.assert_close(irfft2(lower, (24, 40)), irfft2(single, (24, 40)), rtol=0, atol=0)
    torch.testing.assert_close(lower.magnitude(), single.magnitude(), rtol=0, atol=0)
