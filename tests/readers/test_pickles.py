"""Pickles are data here, never programs."""

from __future__ import annotations

import os
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.pickles import read_array, read_pickle

PLAIN = {
    "list": [1, 2.5, "ü", None, True, (1, 2), {"a": b"\x00\xff"}],
    "set": {1, 2},
    "ordered": OrderedDict(a=1),
}
ARRAYS = {
    "f8": np.linspace(0, 1, 24).reshape(2, 3, 4),
    "big end": np.arange(6, dtype=">f4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "bool": np.array([True, False]),
    "text": np.array(["ab", "ü"]),
    "empty": np.zeros((0, 3)),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_come_back(tmp_path: Path, protocol: int, name: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(PLAIN[name], protocol=protocol))
    assert read_pickle(path) == PLAIN[name]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_and_scalars_come_back(tmp_path: Path, protocol: int, name: str) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"array": ARRAYS[name], "scalar": np.float32(1.5)}, protocol=protocol))
    found = read_pickle(path)
    np.testing.assert_array_equal(found["array"], ARRAYS[name])
    assert found["array"].dtype.newbyteorder("=") == ARRAYS[name].dtype.newbyteorder("=")
    assert found["scalar"] == np.float32(1.5)


class _Call:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def test_nothing_else_is_called(tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "x.pkl"
    calls = {
        r"\.system": _Call(os.system, f'touch "{mark}"'),
        r"builtins\.eval": _Call(eval, f"open({str(mark)!r}, 'w')"),
        r"builtins\.getattr": _Call(getattr, 1, "real"),
        r"pathlib.*Path": Path("x"),
        r"numpy.*load": _Call(np.load, "x"),
    }
    for name, value in calls.items():
        path.write_bytes(pickle.dumps(value))
        with pytest.raises(DataError, match=rf"asks for \S*{name}\S*, which was refused and not run"):
            read_pickle(path)
    assert not mark.exists()


def test_a_dotted_name_does_not_reach_further(tmp_path: Path) -> None:
    """Protocol 4 could walk attributes: numpy, then `ndarray.tofile`."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")
    with pytest.raises(DataError, match=r"numpy\.ndarray\.tofile, which was refused"):
        read_pickle(path)


def test_objects_in_arrays_and_forged_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(np.array([{}, []], dtype=object)))
    with pytest.raises(DataError, match=r"is not a whole pickle .*arrays of object are not read"):
        read_pickle(path)
    content = pickle.dumps(np.arange(4.0), protocol=2)
    assert any(op.name == "BININT1" and value == 4 for op, value, _ in pickletools.genops(content))
    path.write_bytes(content.replace(b"K\x04\x85", b"K\xff\x85"))
    with pytest.raises(DataError, match="the bytes of an array do not match its shape"):
        read_pickle(path)


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1] * 50)[:-20], b"\x80\x04K\x01"])
def test_what_is_no_whole_pickle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.pkl: is not a whole pickle") as caught:
        read_pickle(path)
    assert caught.value.exit_code == 3


def test_arrays_must_have_their_axes(tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(np.zeros((2, 3))))
    with pytest.raises(DataError, match=r"holds shape \(2, 3\), float64\..*\(sample, year, feature\)"):
        read_array(path, "sample, year, feature")
    assert type(read_array(path, "sample, year")) is np.ndarray
    with pytest.raises(DataError, match="cannot be read"):
        read_array(tmp_path / "none.pkl", "sample")
