"""Raw files that are no files, may not be read, or have no readable name."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from geoml_cli.cli import console
from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.raw_files import require_names, require_readable, special_kind
from geoml_cli.errors import DataError, escaped

ODD = os.fsdecode(b"sm\xff.txt")


def test_sockets_devices_and_links_to_nothing_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("raw").mkdir()
    require_readable(Path("raw"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("raw/s")
        with pytest.raises(DataError, match="raw/s: is a socket, not a file"):
            require_readable(Path("raw"))
    Path("raw/s").unlink()
    Path("raw/null").symlink_to("/dev/null")
    with pytest.raises(DataError, match="raw/null: is a device"):
        require_readable(Path("raw"))
    Path("raw/null").unlink()
    Path("raw/annex.csv").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"raw/annex\.csv: is a link to nothing\. Get the file"):
        require_readable(Path("raw"))
    assert special_kind(Path("/dev/null")) == "a device" and special_kind(Path("nowhere")) == ""


def test_hidden_files_do_not_matter(tmp_path):
    os.mkfifo(tmp_path / ".pipe")
    require_readable(tmp_path)


def test_links_to_a_folder_above_end(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/up").symlink_to(tmp_path)
    require_readable(tmp_path)


def test_odd_names_are_shown_escaped_everywhere(capfd):
    assert escaped(ODD) == "sm\\xff.txt" and escaped("Zürich 東京\n") == "Zürich 東京\n"
    assert escaped("a\x1b[31m\ud800") == "a\\x1b[31m\\ud800"
    with pytest.raises(DataError) as told:
        require_names([Path("good é.csv"), Path("raw") / ODD])
    assert str(told.value).startswith("raw/sm\\xff.txt: the file's name is no UTF-8 text. Rename it")
    assert json.loads(Funnel(notes=[f"{ODD} was left out"]).model_dump_json())["notes"] == ["sm\\xff.txt was left out"]
    console.document({"file": ODD, "path": Path(ODD)})
    console.line(ODD)
    console.table(("file",), [(ODD,)], title=ODD)
    console.Terminal(quiet=False).warn(ODD)
    told_text = capfd.readouterr()
    assert told_text.out.count("sm\\xff.txt") + told_text.out.count("sm\\\\xff.txt") >= 5
    assert "Warning: sm\\xff.txt" in told_text.err
