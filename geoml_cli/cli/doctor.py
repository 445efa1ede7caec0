"""`geoml doctor`: what works here, and the fix where something does not."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING

from geoml_cli.cli import console, options
from geoml_cli.errors import SettingsError
from geoml_cli.version import __version__

if TYPE_CHECKING:
    import torch

    from geoml_cli.training.precision import Precision

EXTRAS = {
    "raster": ("rasterio", "pyproj", "pyogrio", "shapely"),
    "cloud": ("fsspec", "aiohttp", "s3fs", "gcsfs"),
    "dask": ("distributed", "pyarrow", "zarr"),
    "soil": ("ismn", "pyarrow"),
    "excel": ("openpyxl",),
    "onnx": ("onnx", "onnxruntime", "onnxscript"),
    "forecast": ("diffusers",),
    "sweep": ("optuna",),
    "track": ("tensorboard", "mlflow", "wandb"),
    "cuda": ("mamba_ssm", "causal_conv1d"),
}
"""Extras by name, and the packages that an extra installs, as they are imported."""

_PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "fp16")
_IN_FLOAT32 = (
    "None needed: {layers} layers run in float32 in a {precision} run. For all in {precision}, train on a GPU or a "
    "processor with AVX-512; for all in float32, --set train.precision=fp32."
)

Row = tuple[str, str, str]


def doctor(as_json: options.Json = False) -> None:
    """Show devices, optional packages and folders, and what installs what is missing."""
    rows = [*_here(), *_devices(), *_precisions(), *_kernels(), *_packages(), *_folders()]
    if as_json:
        console.document([dict(zip(("item", "state", "fix"), row, strict=True)) for row in rows])
        return
    console.table(("item", "state", "fix"), rows)


def _here() -> list[Row]:
    python = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return [
        ("geoml", __version__, ""),
        ("python", python, "" if fits else "Use Python 3.11 to 3.13."),
        ("cpu", f"{os.cpu_count()} cores, {platform.machine()}", ""),
    ]


def _devices() -> list[Row]:
    import torch

    rows: list[Row] = [("torch", str(torch.__version__), "")]
    if not torch.cuda.is_available():
        return [
            *rows,
            ("gpu", "none", "Training runs on the CPU; with an NVIDIA card, install a CUDA build of torch."),
        ]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        rows.append((f"gpu {number}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB", ""))
    return rows


def _precisions() -> list[Row]:
    """Show for every precision which kinds of layers run in it, on each kind of device."""
    import torch

    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    return [_precision(name, device) for device in devices for name in _PRECISIONS]


def _precision(name: Precision, device: torch.device) -> Row:
    from geoml_cli.training.precision import check_device, layer_reasons

    item = f"precision {name}, {'gpu' if device.type == 'cuda' else device.type}"
    try:
        check_device(name, cpu=device.type == "cpu")
    except SettingsError as error:
        return item, error.what, error.fix
    reasons = layer_reasons(device, name)
    works = ", ".join(layer for layer, reason in reasons.items() if not reason)
    falls = ", ".join(layer for layer, reason in reasons.items() if reason)
    if not falls:
        return item, f"works ({works})", ""
    why = next(reason for reason in reasons.values() if reason)
    return item, f"works ({works}); in float32: {falls} ({why})", _IN_FLOAT32.format(layers=falls, precision=name)


def _kernels() -> list[Row]:
    """Show what may compute the loops of models that have their own."""
    from geoml_cli import registry

    rows = []
    for model in registry.models():
        choice = registry.spec(model).kernels
        for name, state in choice.available().items() if choice else ():
            why, _, fix = state.rpartition(" pip ")
            rows.append((f"{model} {name}", (why or state).rstrip("."), f"pip {fix}" if why else ""))
    return rows


def _packages() -> list[Row]:
    rows = []
    for extra, packages in EXTRAS.items():
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        found = ", ".join(f"{name} {_version(name)}" for name in packages if name not in missing)
        fix = f"pip install 'geoml[{extra}]'  (missing: {', '.join(missing)})" if missing else ""
        rows.append((f"extra {extra}", found or "none", fix))
    return rows


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return ""


def _folders() -> list[Row]:
    rows = []
    for name, folder in (("data", options.data_root()), ("runs", options.runs_root())):
        above = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
        free = f"{shutil.disk_usage(above).free / 2**30:.0f} GiB free"
        fix = "" if os.access(above, os.W_OK) else f"It may not be written to; set GEOML_{name.upper()}."
        rows.append((f"folder {name}", f"{folder}, {free}", fix))
    return rows
