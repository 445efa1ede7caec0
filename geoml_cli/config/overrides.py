"""Where settings come from: preset, file, environment and `--set`, each a layer of keys over the one before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli

from geoml_cli.config.lines import KeyLines
from geoml_cli.errors import SettingsError

ENVIRONMENT_PREFIX = "GEOML__"

Key = tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """A value and where it was given: `presets/soc/map.toml:12`, `GEOML__TRAIN__LR` or `--set train.lr`."""

    value: Any
    origin: str


Layer = dict[Key, Setting]


def from_file(path: Path, shown: str) -> Layer:
    """Read a TOML file.

    Args:
        path: The file.
        shown: Its name in messages.

    Raises:
        SettingsError: It is missing, not text, or not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        tree = tomli.loads(text)
    except FileNotFoundError:
        raise SettingsError("there is no such file.", where=shown, fix="Check the path.") from None
    except OSError as error:
        raise SettingsError(f"cannot be read ({error.strerror}).", where=shown, fix="Name a TOML file.") from error
    except UnicodeDecodeError as error:
        raise SettingsError("is not text in UTF-8.", where=shown, fix="Save it as plain TOML.") from error
    except tomli.TOMLDecodeError as error:
        raise SettingsError(f"is not TOML: {error}.", where=shown, fix="Correct the line named.") from error
    except RecursionError as error:
        raise SettingsError("nests too many tables.", where=shown, fix="Settings are TABLE.KEY.") from error
    except ValueError as error:  # a whole number of thousands of digits
        reason = str(error).partition(";")[0]
        raise SettingsError(f"holds a number that is too long ({reason}).", where=shown, fix="Correct it.") from error
    found: Layer = {}
    lines = KeyLines(text)
    for key, value in _leaves(tree):
        line = lines.line(key)
        found[key] = Setting(value, f"{shown}:{line}" if line else shown)
    return found


def from_environment(environment: Mapping[str, str] = os.environ) -> Layer:
    """Read variables such as `GEOML__TRAIN__LR=1e-3`."""
    return {
        _key(name): Setting(_value(text), name)
        for name, text in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def of_environment(tables: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return variables that set keys of some tables, as `from_arguments` takes them; others are passed over."""
    return [
        f"{name}={text}"
        for name, text in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and _key(name)[0] in tables
    ]


def as_arguments(origins: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Write the settings that the environment gave as `--set` takes them; `origins` are those of `Settings`."""
    return [f"{key}={environment[name]}" for key, name in origins.items() if name in environment]


def _key(name: str) -> Key:
    """Return the key that a variable of the environment, or the name of a `--set`, means."""
    if name.startswith(ENVIRONMENT_PREFIX):
        return tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))
    return tuple(name.split("."))


def from_arguments(assignments: Iterable[str]) -> Layer:
    """Read `--set` arguments such as `train.lr=1e-3`, and what `of_environment` returns.

    Raises:
        SettingsError: One is not `key=value`.
    """
    found: Layer = {}
    for text in assignments:
        name, sign, value = text.partition("=")
        key = _key(name.strip())
        if not sign or not all(key):
            raise SettingsError(f"{text!r} is not key=value.", where="--set", fix="Write e.g. --set train.lr=1e-3.")
        origin = name if name.startswith(ENVIRONMENT_PREFIX) else f"--set {name.strip()}"
        found[key] = Setting(_value(value.strip()), origin)
    return found


def merged(layers: Iterable[Layer]) -> Layer:
    """Lay later layers over earlier ones."""
    result: Layer = {}
    for layer in layers:
        result.update(layer)
    return result


def tree(layer: Layer) -> dict[str, Any]:
    """Nest dotted keys into tables.

    Raises:
        SettingsError: A key is set both to a value and as a table.
    """
    root: dict[str, Any] = {}
    for key, setting in layer.items():
        table = root
        for part in key[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SettingsError(
                    f"{'.'.join(key)} is set, but {part} is a value.",
                    where=setting.origin,
                    fix="Set one of them; settings are TABLE.KEY.",
                )
        table[key[-1]] = setting.value
    return root


def _leaves(table: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _value(text: str) -> Any:  # noqa: ANN401  any TOML value
    """Read a value as TOML would; what is not TOML is taken as text, so that strings need no quotes."""
    try:
        return tomli.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):  # not TOML, or a number of thousands of digits
        return text
