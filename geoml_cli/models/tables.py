"""The base of every model's own settings; light to import."""

from __future__ import annotations

from geoml_cli.samples.settings import Table


class ModelTables(Table):
    """The tables a model adds to a preset: one field a table."""
