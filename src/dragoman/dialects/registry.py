"""The dialects there are: every folder beside this file that exports `DIALECT`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from dragoman.dialects.contract import Dialect


@cache
def dialect(name: str) -> Dialect:
    """The dialect of this name. Raises KeyError for an unknown one, naming those that there are."""
    if name not in names():
        raise KeyError(f"no dialect `{name}`; there are {', '.join(names())}")
    return importlib.import_module(f"dragoman.dialects.{name}").DIALECT


@cache
def names() -> tuple[str, ...]:
    """Names of all dialects, in order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.ispkg))
