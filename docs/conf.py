"""Sphinx settings; the reference pages are generated from the code before each build."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import generate  # noqa: E402  found next to this file

from geoml_cli.version import __version__  # noqa: E402  docs are generated first

generate.write(DOCS / "reference")

project = "geoml"
author = "The geoml authors"
copyright = "The geoml authors, MIT licence"
version = release = __version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
smartquotes = False  # would turn --option into a dash
exclude_patterns = ["_build", "reference/_*"]

html_theme = "furo"
html_title = f"geoml {release}"
html_copy_source = False
html_show_sphinx = False
