"""Settings of scaling: `[inputs]` and `[target]`.

Light to import: settings are read by commands that must answer at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What NumPy's, PyTorch's and scikit-learn's generators all take."""


def _kinds(annotation: object) -> Iterator[object]:
    """Give the types that a field takes."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


class Table(BaseModel):
    """A TOML table; unknown keys are refused, and the string under a field is its documentation."""

    # No setting means anything as infinity or NaN.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number is meant, which Python takes for 1 and 0; take a number for a name."""
        given = value if isinstance(value, (list, tuple)) else [value]
        field = cls.model_fields[str(info.field_name)]
        kinds = set(_kinds(field.annotation))
        if bool not in kinds and any(isinstance(one, bool) for one in given):
            wanted = next((name for kind, name in ((float, "float"), (int, "int")) if kind in kinds), "string")
            raise PydanticCustomError(f"{wanted}_type", "true and false are no numbers")
        if str in kinds and not kinds & {int, float, bool}:  # of members and groups that are called 2010
            named = [str(one) if type(one) is int else one for one in given]
            return named if given is value else named[0]
        return value

    def unused(self) -> dict[str, str]:
        """Return which settings have no effect next to the others, and why; such as `lr_min` of a constant rate."""
        return {}

    def without_effect(self) -> dict[str, str]:
        """Return those of `unused` that were given another value than the default."""
        return self.changed(self.unused())

    def changed(self, unused: Mapping[str, str]) -> dict[str, str]:
        """Return those of some settings that have another value than the default."""
        fields = type(self).model_fields
        return {name: why for name, why in unused.items() if getattr(self, name) != fields[name].default}


class InputSettings(Table):
    """`[inputs]`: what happens to predictors on the way into a network."""

    scaling: Literal["min-max", "standard", "none"] = "standard"
    """Per variable, fitted on training rows only; a variable that does not vary there is only shifted."""


class TargetSettings(Table):
    """`[target]`: what a network is trained on in place of the plain target; undone in predictions."""

    transform: Literal["none", "log", "log1p"] = "none"
    """`log` for skewed positive targets, `log1p` where zeros occur; see `smearing`."""

    scaling: Literal["min-max", "standard", "none"] = "none"
    """Scaling of the transformed target, fitted on training rows only."""

    smearing: bool = True
    """Multiply what is turned back from a logarithm by the mean of the exponentials of the validation rows' residuals
    about their mean, so that predictions aim at the mean of the target and not its median."""

    def unused(self) -> dict[str, str]:
        """Return settings of logarithms where there are none."""
        return {"smearing": "transform is 'none'"} if self.transform == "none" else {}
