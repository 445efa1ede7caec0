"""The string under each field of a table or of options, read from the source when it is asked for.

pydantic can read them too, when a class is made: each command would then read the source of every setting.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def field_docs(table: type[BaseModel]) -> dict[str, str]:
    """Return the documentation of fields, by name; a field of a base class has that of the base."""
    from pydantic import BaseModel

    found: dict[str, str] = {}
    for kind in reversed(table.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found |= _docs_of_module(kind.__module__).get(kind.__qualname__, {})
    return found


@cache
def _docs_of_module(name: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {one.name: _docs(one) for one in tree.body if isinstance(one, ast.ClassDef)}


def _docs(tree: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in zip(tree.body, tree.body[1:], strict=False):
        match pair:
            case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text))):
                found[name] = inspect.cleandoc(text)
    return found
