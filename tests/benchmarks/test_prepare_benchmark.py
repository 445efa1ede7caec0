"""The benchmark of `prepare` runs at a small size for every source, and stops where a source fails."""

import contextlib
import io
import json
import re

import pytest

from benchmarks import _measured, _raw, prepare


def test_every_source_is_measured(capsys, monkeypatch):
    def here(*arguments):  # a process of its own for each of them would start up, most of the time
        with contextlib.redirect_stdout(io.StringIO()) as out:
            _measured.main(arguments)
        return prepare.Cost(**json.loads(out.getvalue()))

    monkeypatch.setattr(prepare, "measured", here)
    prepare.main(["--megabytes", "0.2"])
    out = capsys.readouterr().out
    found = re.findall(r"^ratio: prepare / (\w+), time, (\S+): ([\d.]+)$", out, re.MULTILINE)
    assert [case for _, case, _ in found] == list(prepare.BESIDE) == list(_raw.WRITERS)
    assert all(reader in prepare.BESIDE[case] and float(ratio) > 0 for reader, case, ratio in found)
    assert "times read" in out


def test_a_file_of_tables_is_read_no_more_often_than_it_must_be(tmp_path):
    options = [_raw.WRITERS["gwsa"](tmp_path / name, size).model_dump_json() for name, size in (("r", 2.0), ("s", 0.1))]
    cost = prepare.measured("prepare", "gwsa", str(tmp_path / "r"), str(tmp_path / "s"), *options)
    # For its digest and its encoding at once, and for its rows; the size is of the raw files alone.
    assert cost.read == 0 or 1.9 < cost.read / (_raw.size(tmp_path / "r") * _raw.MB) < 2.3
    assert cost.seconds > 0 and cost.peak > 1 << 20


def test_a_source_that_fails_is_named(tmp_path, capfd):
    (tmp_path / "r").mkdir()
    with pytest.raises(SystemExit, match=r"prepare soc .* ended with 1"):
        prepare.measured("prepare", "soc", str(tmp_path / "r"), str(tmp_path / "r"), "{}", "{}")
