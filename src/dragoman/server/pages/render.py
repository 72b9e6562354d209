"""The templates. Whatever stands in a value is text, never markup: nothing turns escaping off."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dragoman.server.pages.words import FILTERS

FOLDER = Path(__file__).parent / "templates"

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What would not be seen, or would have other words seen than are there: controls, and marks that turn the direction of reading."""


class Templates:
    """Compiled when first used, kept. The filter `asset` gives the address of a static file."""

    def __init__(self, assets: Mapping[str, str]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_seen,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(FILTERS)
        self._environment.filters["asset"] = assets.__getitem__

    def render(self, name: str, values: Mapping[str, Any]) -> bytes:
        """A page."""
        return self._environment.get_template(name).render(values).encode("utf-8", "replace")


def _seen(value: Any) -> Any:
    """A text in which all that there is can be seen; what a template made is left as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or _UNSEEN.search(value) is None:
        return value
    return _UNSEEN.sub(lambda found: f"⟨{ord(found[0]):02X}⟩", value)
