"""Files of a stack by name, size and time of change, and the types of what is read from them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Days = NDArray[np.datetime64]
Window = tuple[slice, slice]


def state_of(path: Path) -> str:
    """Digest names, sizes and times of change of files; stacks are too large to be read twice for their content."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    states = [(str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps(states).encode()).hexdigest()
