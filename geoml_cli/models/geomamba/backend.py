"""What computes the loops that PyTorch has no operator for: chosen once, when the network is built.

Weights fit every backend. Tracing (export, torch.compile) always goes by PyTorch's operators, which is what an
exported graph is made of.

Legend: B batch, L steps, D channels, R rows, I inputs, O outputs, K bases.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from geoml_cli.errors import SettingsError
from geoml_cli.layers.devices import are_few
from geoml_cli.models.geomamba import plain
from geoml_cli.models.geomamba.scan import ScanInputs, plain_recomputed
from geoml_cli.models.geomamba.settings import Backend

WORKS = "works"
_CUDA = "pip install 'geoml[cuda]'"
_COMPILED = "pip install --upgrade numba"

Way = Literal["mamba-ssm", "fused", "torch"]


@dataclass(frozen=True)
class Kernels:
    """The loops of one backend.

    Attributes:
        backend: As the setting says; `auto` follows the device of the data.
    """

    backend: Backend = "auto"

    def scan(self, inputs: ScanInputs) -> Tensor:
        """Return the gated output of the selective scan, [B, L, D]."""
        way = self._way(inputs.x_BLD)
        if way == "fused":
            # Imported where it is used: other backends work without numba.
            from geoml_cli.models.geomamba.fused.scan import scan

            return scan(inputs)
        if way == "mamba-ssm":
            from geoml_cli.models.geomamba.cuda import scan as cuda_scan

            return cuda_scan(inputs)
        return plain_recomputed(inputs)

    def convolve(self, x_BLD: Tensor, weight_D1K: Tensor, bias_D: Tensor) -> Tensor:
        """Return SiLU of the depthwise causal convolution, [B, L, D]."""
        way = self._way(x_BLD)
        if way == "fused":
            from geoml_cli.models.geomamba.fused.causal import convolve

            return convolve(x_BLD, weight_D1K, bias_D)
        # A package of its own, not a part of mamba-ssm, which runs without it.
        if way == "mamba-ssm" and _has("causal_conv1d"):
            from geoml_cli.models.geomamba.cuda import convolve as cuda_convolve

            return cuda_convolve(x_BLD, weight_D1K, bias_D)
        return plain.convolve(x_BLD, weight_D1K, bias_D)

    def kan(self, x_RI: Tensor, base_OI: Tensor, weight_OIK: Tensor, knots: Tensor) -> Tensor:
        """Return SiLU(x) W_base^T + sum_j B_j(x) w_j, [R, O]; mamba-ssm has no such layer and PyTorch computes it."""
        if self._way(x_RI) == "fused":
            from geoml_cli.models.geomamba.fused.kan import kan

            return kan(x_RI, base_OI, weight_OIK, knots)
        return plain.kan(x_RI, base_OI, weight_OIK, knots)

    def linear(self, x: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
        """Return x W^T + b, [..., O]."""
        if self._way(x) == "fused":
            from geoml_cli.layers.onednn import linear

            return linear(x, weight_OI, bias_O)
        return functional.linear(x, weight_OI, bias_O)

    def norm_of_sum(self, left: Tensor, right: Tensor, norm: nn.RMSNorm) -> Tensor:
        """Return a norm of left + right, [..., M]."""
        if self._way(left) == "fused":
            from geoml_cli.models.geomamba.fused.norm import norm_of_sum, suits

            if suits(left, right, norm.weight):
                eps = torch.finfo(left.dtype).eps if norm.eps is None else norm.eps
                return norm_of_sum(left, right, norm.weight, eps)
        normed: Tensor = norm(left + right)
        return normed

    def _way(self, tensor: Tensor) -> Way:
        if self.backend == "torch" or torch.compiler.is_compiling():
            return "torch"
        if self.backend == "auto":
            return "torch" if are_few() else _automatic(tensor.device.type)
        if (tensor.device.type == "cpu") != (self.backend == "fused"):
            kind = "the CPU" if self.backend == "fused" else "a GPU"
            raise SettingsError(
                f"backend = {self.backend!r} works on {kind} only, the data are on {tensor.device.type}.",
                where="[network]",
                fix="Use --set network.backend=auto.",
            )
        return self.backend


def choose_kernels(backend: Backend) -> Kernels:
    """Return the loops of a backend.

    Raises:
        SettingsError: It does not work here; the message says why, and the fix.
    """
    # `auto` always works: where nothing else does it is PyTorch's operators.
    if backend != "auto" and (state := available()[backend]) != WORKS:
        raise SettingsError(
            f"backend = {backend!r} does not work here: {state}", where="[network]", fix="Or use backend = 'auto'."
        )
    return Kernels(backend)


def available() -> dict[str, str]:
    """Say of each backend that it works here, or why it does not and the fix."""
    return {"mamba-ssm": _cuda_state(), "fused": _fused_state(), "torch": WORKS}


def chosen(backend: Backend) -> Way:
    """Name what a setting leads to here: `auto` goes by the place of the data, a GPU where there is one."""
    return _automatic("cuda" if torch.cuda.is_available() else "cpu") if backend == "auto" else backend


def compiles(backend: Backend) -> bool:
    """Return whether a training step has loops compiled first, since none of them are on disk."""
    if chosen(backend) != "fused":
        return False
    from geoml_cli.models.geomamba.kernels import compiled, scan_backward

    return not compiled.is_kept(scan_backward.backward)


@cache
def _automatic(device: str) -> Way:
    """Return the quickest backend that works on a kind of device."""
    if device == "cpu" and _fused_state() == WORKS:
        return "fused"
    return "mamba-ssm" if device == "cuda" and _cuda_state() == WORKS else "torch"


@cache
def _cuda_state() -> str:
    if not torch.cuda.is_available():
        return "needs an NVIDIA card and a CUDA build of torch."
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn  # noqa: F401
    except ImportError:
        # A package built for another torch fails here as well, with the symbol it misses.
        return f"mamba-ssm cannot be imported. {_CUDA}"
    return WORKS


@cache
def _fused_state() -> str:
    try:
        import numba  # noqa: F401

        from geoml_cli.models.geomamba.kernels import lanes  # noqa: F401
    except (ImportError, AttributeError):
        # numba refuses a Python or NumPy that is newer than itself in this way, and its inner parts change.
        return f"numba cannot be imported, or is none that the loops were written for. {_COMPILED}"
    return WORKS


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
