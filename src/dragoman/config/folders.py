"""Where a user's files are (https://specifications.freedesktop.org/basedir-spec/latest/). All raise GatewayError(config) where no home is
known.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from dragoman.ir.errors import GatewayError, Kind

_NAME = "dragoman"


def home(env: Mapping[str, str]) -> Path:
    """The user's own folder."""
    named = env.get("HOME") or env.get("USERPROFILE")
    try:
        return Path(named) if named else Path.home()
    except RuntimeError as error:
        message = "there is no home folder: `HOME` is not set, and the system knows none for this user; set `HOME` to a folder of yours"
        raise GatewayError(Kind.CONFIG, message) from error


def data_folder(env: Mapping[str, str], platform: str = sys.platform) -> Path:
    """What is to be kept: the journal, revisions."""
    return _folder(env, "XDG_DATA_HOME", "Library/Application Support" if platform == "darwin" else ".local/share")


def state_folder(env: Mapping[str, str]) -> Path:
    """What is of use for a while: logs, tries."""
    return _folder(env, "XDG_STATE_HOME", ".local/state")


def cache_folder(env: Mapping[str, str]) -> Path:
    """What can be made anew."""
    return _folder(env, "XDG_CACHE_HOME", ".cache")


def expanded(path: str | Path) -> Path:
    """The path with a `~` at its beginning written out; one of nobody's is a name like any other."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _folder(env: Mapping[str, str], variable: str, usual: str) -> Path:
    # The specification wants relative paths ignored.
    named = Path(env.get(variable, ""))
    return (named if named.is_absolute() else home(env) / usual) / _NAME
