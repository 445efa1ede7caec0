"""What computes the loops, and what is said where it cannot."""

import os
import subprocess
import sys
import types

import pytest
import torch

from geoml_cli.errors import SettingsError
from geoml_cli.models.geomamba import backend, cuda
from geoml_cli.models.geomamba.blocks import SelectiveEncoder
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.plain import convolve
from geoml_cli.models.geomamba.scan import ScanInputs, plain
from geoml_cli.models.geomamba.settings import NetworkSettings


def small(backend_, steps=1):
    settings = NetworkSettings(embedding=8, heads=2, layers=1, backend=backend_)
    return GeoMamba(settings, Shape(2, 2, steps, 5))


def sample(rows):
    generator = torch.Generator().manual_seed(1)
    random = [torch.randn(rows, 1, width, generator=generator) for width in (2, 2)]
    time = torch.stack([torch.zeros(rows, 1), torch.full((rows, 1), 2011.0)], dim=-1)
    return *random, torch.arange(rows)[:, None] % 5, torch.tensor([[[35.0, 105.0]]]).repeat(rows, 1, 1), time


@pytest.fixture
def none_known():
    yield
    for remembered in (backend._automatic, backend._cuda_state, backend._fused_state):
        remembered.cache_clear()


def test_every_backend_has_a_state():
    found = backend.available()
    assert list(found) == ["mamba-ssm", "fused", "torch"] and found["torch"] == "works"


def test_a_backend_that_does_not_work_is_refused_with_the_mend(monkeypatch, none_known):
    monkeypatch.setitem(sys.modules, "numba", None)
    backend._fused_state.cache_clear()
    backend._automatic.cache_clear()
    with pytest.raises(SettingsError, match=r"backend = 'fused' does not work here: .*pip install --upgrade numba"):
        small("fused")
    assert small("auto")(*sample(2)).shape == (2, 1)  # by PyTorch's operators


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_kernels_are_refused_without_a_card():
    with pytest.raises(SettingsError, match="needs an NVIDIA card"):
        small("mamba-ssm")


FIRST_STEP = """
import torch
from geoml_cli.models.geomamba import backend
from geoml_cli.models.geomamba.scan import ScanInputs
tensors = [torch.zeros(shape, requires_grad=True) for shape in [(1, 2, 3)] * 3 + [(1, 2, 4)] * 2 + [(3, 4), (3,)]]
before = backend.compiles("fused")
backend.Kernels("fused").scan(ScanInputs(*tensors)).sum().backward()
print(before, backend.compiles("fused"), backend.compiles("torch"))
"""


def test_loops_that_are_on_disk_are_not_compiled_again(tmp_path):
    command, known = [sys.executable, "-c", FIRST_STEP], {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = [subprocess.run(command, env=known, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert said == ["True False False\n", "False False False\n"]


def test_data_in_the_wrong_place_are_refused():
    with pytest.raises(SettingsError, match="backend = 'mamba-ssm' works on a GPU only, the data are on cpu"):
        backend.Kernels("mamba-ssm").kan(torch.zeros(1, 1), *[torch.zeros(1, 1)] * 3)


def test_backends_agree_on_the_same_weights():
    pytest.importorskip("numba")
    one, other = small("torch"), small("fused")
    other.load_state_dict(one.state_dict())
    torch.testing.assert_close(one(*sample(3)), other(*sample(3)))


def test_tracing_goes_by_operators_and_the_batch_stays_free():
    encoder = SelectiveEncoder(3, 16, 1, backend.Kernels("auto")).eval()
    rows = torch.export.Dim("rows", min=1)
    program = torch.export.export(encoder, (torch.randn(3, 2, 3),), dynamic_shapes=[{0: rows}])
    others = torch.randn(7, 2, 3)
    with torch.no_grad():
        torch.testing.assert_close(program.module()(others), encoder(others))


def test_the_cuda_packages_see_channels_before_steps(monkeypatch):
    """Fakes that compute what the packages document, in their shapes."""

    def selective_scan_fn(u, delta, A, B, C, D, z, delta_softplus):
        assert all(tensor.is_contiguous() for tensor in (u, delta, B, C, z)) and delta_softplus
        shaped = [tensor.transpose(1, 2) for tensor in (u, delta, z, B, C)]
        return plain(ScanInputs(*shaped, A, D)).transpose(1, 2)

    def causal_conv1d_fn(x, weight, bias, activation):
        assert weight.ndim == 2 and activation == "silu"
        return convolve(x.transpose(1, 2), weight[:, None], bias).transpose(1, 2)

    interface = types.SimpleNamespace(selective_scan_fn=selective_scan_fn)
    monkeypatch.setitem(sys.modules, "mamba_ssm", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mamba_ssm.ops.selective_scan_interface", interface)
    monkeypatch.setitem(sys.modules, "causal_conv1d", types.SimpleNamespace(causal_conv1d_fn=causal_conv1d_fn))
    x, dt, z, b, c = (torch.rand(2, 5, size) for size in (3, 3, 3, 4, 4))
    inputs = ScanInputs(x, dt, z, b, c, -torch.rand(3, 4), torch.rand(3))
    torch.testing.assert_close(cuda.scan(inputs), plain(inputs))
    weight, bias = torch.rand(3, 1, 4), torch.rand(3)
    torch.testing.assert_close(cuda.convolve(x, weight, bias), convolve(x, weight, bias))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(SettingsError, match="embedding = 8 and width = 128 with 3 time steps: several steps need them"):
        small("torch", steps=3)
    with pytest.raises(SettingsError, match="embedding = 9 is not a multiple of heads = 2"):
        GeoMamba(NetworkSettings(embedding=9), Shape(2, 2))


def test_work_is_shared_out_once_each_and_errors_come_back():
    pytest.importorskip("numba")
    from geoml_cli.models.geomamba.kernels.threads import spread

    torch.set_num_threads(4)
    done = []
    spread(done.append, 100)
    assert sorted(done) == list(range(100))
    with pytest.raises(ZeroDivisionError):
        spread(lambda piece: 1 // (piece - 50), 100)


def test_compiled_code_does_without_a_folder_to_keep_it_in(monkeypatch):
    pytest.importorskip("numba")
    from geoml_cli.models.geomamba.kernels import compiled

    njit = compiled.numba.njit

    def nowhere(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(compiled.numba, "njit", nowhere)
    assert compiled.entry(lambda value: value + 1)(1) == 2


@pytest.mark.parametrize("width", [8, 64])
def test_gradients_lie_like_their_weights(width):
    """PyTorch warns of each that does not where several processes train; of a width of 8 the rank of dt is 1."""
    settings = NetworkSettings(embedding=8, heads=2, layers=1, width=width, backend="fused")
    network = GeoMamba(settings, Shape(2, 2, 1, 5))
    network(*sample(3)).sum().backward()
    otherwise = {
        name: (value.grad.stride(), value.stride())
        for name, value in network.named_parameters()
        if value.grad is not None and value.grad.stride() != value.stride()
    }
    assert not otherwise
