"""The gateways whose configuration can be read, and the way from their file to ours."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import yaml

from dragoman.config.importers.bifrost import import_bifrost
from dragoman.config.importers.draft import Draft, Note
from dragoman.config.importers.layout import write_yaml
from dragoman.config.importers.litellm import import_litellm
from dragoman.config.importers.truefoundry import import_truefoundry
from dragoman.config.problems import ConfigError, Problem

_OPENING = """Made by `dragoman import {gateway} {file}`. Check it with `dragoman check`, try it with `dragoman route MODEL`.
Secrets are variables of the environment; none stands in this file."""


class Imported(msgspec.Struct, frozen=True):
    """text: a dragoman.yaml. notes: what has no counterpart. exports: (variable, where its value stands in the other file)."""

    text: str
    notes: tuple[Note, ...]
    exports: tuple[tuple[str, str], ...]


def _one(read: Callable[[object], Draft]) -> Callable[[list[object]], Draft]:
    return lambda documents: read(documents[0])


_READERS: dict[str, Callable[[list[object]], Draft]] = {
    "bifrost": _one(import_bifrost),
    "litellm": _one(import_litellm),
    "truefoundry": import_truefoundry,
}


def gateways() -> tuple[str, ...]:
    """The gateways, by the word of the command."""
    return tuple(_READERS)


def import_config(gateway: str, raw: bytes, file: str) -> Imported:
    """The configuration of another gateway as ours. `file` is its name in messages. Raises ConfigError if it cannot be read."""
    try:
        # JSON is YAML too.
        documents = [one for one in yaml.safe_load_all(raw.decode("utf-8-sig")) if one is not None]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([Problem("", "is neither YAML nor JSON that can be read", "correct it", file=file)]) from error
    if not documents or not isinstance(documents[0], dict):
        raise ConfigError([Problem("", "holds no settings", f"give the configuration of {gateway}", file=file)])
    try:
        draft = _READERS[gateway](documents)
    except RecursionError as error:
        raise ConfigError([Problem("", "is nested too deep, or contains itself through an alias", "write it out", file=file)]) from error
    if not draft.providers:
        raise ConfigError(
            [Problem("", f"has no provider that can be asked, as a configuration of {gateway}", "give another file", file=file)]
        )
    text = write_yaml(draft, _OPENING.format(gateway=gateway, file=file))
    return Imported(text, tuple(dict.fromkeys(draft.notes)), tuple(draft.exports.items()))
