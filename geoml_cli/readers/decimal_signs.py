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
_SMALL = re.compile(r"[+-]?[1-9]\d{0,2}")
"""A whole number that thousands signs leave as it is."""
_FIX = "Write all numbers with one decimal sign and no thousands signs."


@dataclass
class DecimalSigns:
    """What numbers of a file have been met with; points alone where commas separate cells.

    Where both signs are met, one may separate thousands. Where one is, a number with other than three digits behind it
    tells that it is a decimal sign. So does nothing next to 164 where all points are as in 2.820: a program that writes
    the last 0 would have written 164.000.
    """

    _met: dict[str, str] = field(default_factory=dict)
    _grouped: dict[str, dict[str, tuple[str, str]]] = field(default_factory=lambda: {",": {}, ".": {}})
    _decimal: set[str] = field(default_factory=set)
    _whole: dict[str, str] = field(default_factory=dict)
    _padded: dict[str, tuple[str, str]] = field(default_factory=dict)
    _small: dict[str, str] = field(default_factory=dict)

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
        bare = text.strip()
        met = [sign for sign in ",." if sign in bare]
        is_grouped = GROUPED.fullmatch(bare) is not None
        if is_grouped and met == ["."] and bare.endswith("0"):
            self._padded.setdefault(column, (bare, location))
        if _SMALL.fullmatch(bare):
            self._small.setdefault(column, bare)
        if delimiter == ",":
            self._decimal.update(() if is_grouped and not ZERO.match(bare) else met)
            return
        self._met |= {sign: bare for sign in met if sign not in self._met}
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
            DataError: Every comma is followed by three digits; or every point, next to whole numbers of four or more in
                the same column, or of fewer where the third digit is a 0.
        """
        for sign, columns in self._grouped.items():
            for column, (text, location) in columns.items() if sign not in self._decimal else ():
                whole = self._whole.get(column, "")
                if sign == "," or whole:
                    raise self._ambiguous(text, sign, whole, location)
        for column, (text, location) in self._padded.items() if "." not in self._decimal else ():
            if column in self._small:
                raise self._ambiguous(text, ".", self._small[column], location)

    @staticmethod
    def _ambiguous(text: str, sign: str, whole: str, location: str) -> DataError:
        name, other = ("comma", "point")[sign == "."], f", next to {whole}" if whole else ""
        return DataError(
            f"{text!r} is ambiguous{other}: every {name} of the file is followed by three digits, as it would "
            "be between thousands",
            where=location,
            fix=f"Write all without it ({text.replace(sign, '')}), or one with a fourth decimal ({text}0).",
        )
