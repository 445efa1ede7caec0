"""The base of every model's own settings; light to import."""

from __future__ import annotations

from geoml_cli.samples.settings import Table


class ModelTables(Table):
    """The tables a model adds to a preset: one field a table."""

    def unused(self) -> dict[str, str]:
        """Return which settings (`table.name`) have no effect next to those of other tables, and why."""
        return {}

    def without_effect(self) -> dict[str, str]:
        """Return those settings of all tables (`table.name`) that have no effect and no default value, and why."""
        found: dict[str, str] = {}
        for table, values in self:
            assert isinstance(values, Table)
            unused = {
                name.partition(".")[2]: why for name, why in self.unused().items() if name.startswith(f"{table}.")
            }
            found |= {f"{table}.{name}": why for name, why in values.changed(unused | values.unused()).items()}
        return found
