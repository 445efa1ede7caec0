"""What is said of the files of `smap`, and of the fills in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from geoml_cli.readers.column_fills import ColumnFills


@dataclass
class Notes:
    """What is said of the files, in the order of reading.

    Attributes:
        fills: What is declared of fills, and the count of those that are not.
        lines: For the funnel.
    """

    fills: ColumnFills
    lines: list[str] = field(default_factory=list)

    def count(self, number: int, text: str) -> None:
        """Note a number of rows, unless it is none."""
        if number:
            self.lines.append(f"{number} {text}")
