"""Why a raw file is passed over: said once, so that a file in another form is not taken for a missing one."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from geoml_cli.errors import DataError
from geoml_cli.readers.tables import open_text, readable_lines

_SNIFFED = 40
_NAMED = 6
_OTHER = "in no format that is read here"
_PAIR = "call both alike, NAME.lst and NAME.fmt"
_ROWS = re.compile(r"(19|20)\d{2}(\s+-?\d+(\.\d*)?)+")


def reason(path: Path) -> str:
    """Say why a file is not read."""
    if path.suffix.lower() == ".lst":
        return "a list without its .fmt, which names the columns: put it next to"
    if path.suffix.lower() == ".fmt":
        return "names the columns of a .lst that is not there"
    try:
        with open_text(path) as stream:
            lines = list(itertools.islice(readable_lines(stream, path), _SNIFFED))
    except DataError:
        return "no text"
    if any("format of the subsetted file" in line.lower() for line in lines):
        return f"names the columns of a list of OMNIWeb: {_PAIR}"
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.lower().startswith(("<!doctype", "<html", "<?xml", "<head", "<pre")):
        return "a web page: download the data themselves, as text"
    for sign in ",;\t|":
        names = [name.strip() for name in first.split(sign)]
        if len(names) > 1:
            more = " ..." if len(names) > _NAMED else ""
            return f"no column of an index, position or wave: {', '.join(names[:_NAMED])[:120]}{more}"
    if _ROWS.fullmatch(first):
        return f"rows of numbers without names; of a list of OMNIWeb {_PAIR}"
    return f"{_OTHER}: begins with {first[:40]!r}" if first else "empty"
