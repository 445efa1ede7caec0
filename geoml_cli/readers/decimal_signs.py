"""Which of comma and point is the decimal sign of a file, and which may separate thousands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from geoml_cli.errors import DataError

GROUPED = re.compile(r"[+-]?\d{1,3}(?:[.,]\d{3})+")
"""A number whose sign may separate thousands, or be followed by three decimals."""
ZERO = re.compile(r"[+-]?0+[.,]")
"""How a number begins whose sign cannot separate thousands."""
_WHOLE = re.compile(r"[+-]?\d{4,}")
_FIX = "Write all numbers with one decimal sign and no thousands signs."


@dataclass
class DecimalSigns:
    """What numbers of a file have been met with; nothing where commas separate cells.

    Where both signs are met, one may separate thousands. Where one is, a number with other than three digits behind it
    tells that it is a decimal sign.
    """

    _met: dict[str, str] = field(default_factory=dict)
    _grouped: dict[str, dict[str, tuple[str, str]]] = field(default_factory=lambda: {",": {}, ".": {}})
    _decimal: set[str] = field(default_factory=set)
    _whole: dict[str, str] = field(default_factory=dict)

    def meet(self, text: str, delimiter: str, location: str, column: str = "") -> None:
        """Take a number's sign down.

        Args:
            text: The number as it is written.
            delimiter: Between cells.
            location: File, line and column.
            column: Its own.

        Raises:
            DataError: Numbers of the file have both signs, and one of them stands where it would separate thousands.
        """
        if delimiter == ",":
            return
        bare = text.strip()
        met = [sign for sign in ",." if sign in bare]
        self._met |= {sign: bare for sign in met if sign not in self._met}
        is_grouped = GROUPED.fullmatch(bare) is not None
        if is_grouped:
            self._grouped[met[0]].setdefault(column, (bare, location))
        if not is_grouped or ZERO.match(bare):
            self._decimal.update(met)
        if _WHOLE.fullmatch(bare):
            self._whole.setdefault(column, bare)
        if len(self._met) > 1 and (any(self._grouped.values()) or len(met) > 1):
            raise DataError(
                f"{bare!r} is ambiguous: the file has {self._met[',']!r} and {self._met['.']!r}, so comma or point may "
                "be a thousands sign",
                where=location,
                fix=_FIX,
            )

    def take_as_decimal(self, text: str) -> None:
        """Take down that the number's sign cannot separate thousands, as that of a longitude cannot."""
        self._decimal.update(sign for sign in ",." if sign in text)

    def settle(self) -> None:
        """Decide at the end of a file.

        Raises:
            DataError: Every comma is followed by three digits, or every point, next to whole numbers of four or more in
                the same column.
        """
        for sign, columns in self._grouped.items():
            for column, (text, location) in columns.items() if sign not in self._decimal else ():
                whole = self._whole.get(column, "")
                if sign == "." and not whole:
                    continue
                name, other = ("comma", "point")[sign == "."], f", next to {whole}" if whole else ""
                raise DataError(
                    f"{text!r} is ambiguous{other}: every {name} of the file is followed by three digits, as it would "
                    "be between thousands",
                    where=location,
                    fix=f"Write all without it ({text.replace(sign, '')}), or one with a fourth decimal ({text}0).",
                )
