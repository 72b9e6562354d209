"""Finds the profiles: every module of this package that has a `PROFILE`. A provider kind is one file and no registration."""

from __future__ import annotations

import importlib
import pkgutil

from dragoman import profiles
from dragoman.profiles.contract import Profile


def _find() -> dict[str, Profile]:
    found: dict[str, Profile] = {}
    for module in pkgutil.iter_modules(profiles.__path__):
        if module.name == __name__.rpartition(".")[2]:
            continue
        profile = getattr(importlib.import_module(f"{profiles.__name__}.{module.name}"), "PROFILE", None)
        if isinstance(profile, Profile):
            found[profile.kind] = profile
    return dict(sorted(found.items()))


_PROFILES = _find()


def profile(kind: str) -> Profile:
    """The profile of a kind. Raises KeyError for an unknown one (`kinds` has them all)."""
    return _PROFILES[kind]


def kinds() -> tuple[str, ...]:
    """All kinds, in alphabetical order."""
    return tuple(_PROFILES)
