"""The mamba-ssm package's CUDA kernels behind this project's shapes; channels come before steps there.

Legend: B batch, L steps, D channels, N state, W taps.
"""

from __future__ import annotations

from torch import Tensor

from geoml_cli.models.geomamba.scan import ScanInputs


def scan(inputs: ScanInputs) -> Tensor:
    """Scan with `selective_scan_fn`; returns [B, L, D] in the type of x."""
    from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

    # The kernel takes all streams in one type, and A and D in float32 whatever that is.
    kind = inputs.x_BLD.dtype
    streams = (inputs.x_BLD, inputs.u_BLD, inputs.b_BLN, inputs.c_BLN, inputs.z_BLD)
    x_BDL, u_BDL, b_BNL, c_BNL, z_BDL = (tensor.to(kind).transpose(1, 2).contiguous() for tensor in streams)
    out_BDL: Tensor = selective_scan_fn(
        x_BDL, u_BDL, inputs.a_DN.float(), b_BNL, c_BNL, D=inputs.d_D.float(), z=z_BDL, delta_softplus=True
    )
    return out_BDL.transpose(1, 2)


def convolve(x_BLD: Tensor, weight_D1W: Tensor, bias_D: Tensor) -> Tensor:
    """Convolve with `causal_conv1d_fn`; returns SiLU of it, [B, L, D]."""
    from causal_conv1d import causal_conv1d_fn

    x_BDL = x_BLD.transpose(1, 2).contiguous()
    kind = x_BLD.dtype
    out_BDL: Tensor = causal_conv1d_fn(x_BDL, weight_D1W[:, 0].to(kind), bias_D.to(kind), activation="silu")
    return out_BDL.transpose(1, 2)
