"""From a file, or from nothing, to a checked Config: finding, reading, checking, and every problem told at once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from dragoman.config.check import check
from dragoman.config.decode import Decoder, read_struct
from dragoman.config.discover import Discovery, Found, discover
from dragoman.config.document import Mapping as DocumentMapping
from dragoman.config.document import Node, read_document
from dragoman.config.folders import expanded
from dragoman.config.problems import ConfigError, Findings, Problem
from dragoman.config.schema import Config
from dragoman.config.secrets import SecretReader

_NAMES = ("dragoman.yaml", "dragoman.yml")
_VARIABLE = "DRAGOMAN_CONFIG"


class Loaded(msgspec.Struct, frozen=True):
    """A config that may be used. `path` is its file (None: there is none), `warnings` are sentences for the user, `found` are the
    providers that came from the environment (empty where the file names providers), `raw` the file's bytes (never shown, as keys may
    stand in it), `document` its tree, `files` those that secrets come from."""

    config: Config
    path: Path | None = None
    warnings: tuple[str, ...] = ()
    found: tuple[Found, ...] = ()
    raw: bytes = b""
    files: tuple[Path, ...] = ()
    document: Node | None = None

    def __repr__(self) -> str:
        return f"Loaded(path={self.path!r})"


def load(path: Path | str | None, env: Mapping[str, str], cwd: Path | None = None) -> Loaded:
    """The config of `path`, else of the file that `find` finds, else of the environment alone.

    Raises ConfigError with everything that is wrong.
    """
    folder = cwd if cwd is not None else Path()
    file = find(path, env, folder)
    if file is None:
        return _without_file(env)
    loaded = parse(_read(file), env, file=_short(file, folder), folder=file.parent)
    twin = file.with_name(_NAMES[1])
    also = (f"{twin} is not read: {file.name} stands beside it",) if file.name == _NAMES[0] and twin.is_file() else ()
    return msgspec.structs.replace(loaded, path=file, warnings=(*also, *loaded.warnings))


def parse(raw: bytes, env: Mapping[str, str], *, file: str = "dragoman.yaml", folder: Path | None = None) -> Loaded:
    """The config that `raw` writes. `file` is its name in messages, `folder` where relative `file:` paths begin.

    Raises ConfigError with everything that is wrong.
    """
    document = read_document(raw, file)
    findings = Findings(file)
    secrets = SecretReader(env, folder if folder is not None else Path())
    config = read_struct(Decoder(findings, secrets), document, Config)
    discovery = Discovery({}, (), ())
    if isinstance(document, DocumentMapping) and all(entry.key.text != "providers" for entry in document.entries):
        discovery = discover(env)
        config = msgspec.structs.replace(config, providers=discovery.providers)
    check(config, findings)
    if findings.problems:
        raise findings.error(secrets.files)
    warnings = (*map(str, findings.warnings), *(sentence for _, sentence in secrets.warnings), *discovery.warnings)
    return Loaded(config, None, warnings, discovery.found, raw, tuple(secrets.files), document)


def find(path: Path | str | None, env: Mapping[str, str], cwd: Path, platform: str = sys.platform) -> Path | None:
    """The config file: `path`, else the one that `DRAGOMAN_CONFIG` names, else `dragoman.yaml` in `cwd` or in the user's config
    directory, else None. Raises ConfigError if one that was named is no file."""
    named = ((path, "it was given on the command line"), (env.get(_VARIABLE) or None, f"the variable `{_VARIABLE}` names it"))
    for given, why in named:
        if given is not None:
            file = cwd / expanded(given)
            if file.is_dir():
                raise ConfigError([Problem("", f"is a folder ({why})", "name the file in it", file=str(given))])
            if not file.exists():
                raise ConfigError([Problem("", f"there is no such file ({why})", "correct the path", file=str(given))])
            if not file.is_file():
                raise ConfigError([Problem("", f"is a pipe or a device ({why})", "name a file, which can be read again", file=str(given))])
            return file
    return next((place for place in places(env, cwd, platform) if place.is_file()), None)


def places(env: Mapping[str, str], cwd: Path, platform: str = sys.platform) -> tuple[Path, ...]:
    """Where a config is looked for that nobody names, in this order."""
    return tuple(folder / name for folder in (cwd, *user_folders(env, platform)) for name in _NAMES)


def user_folders(env: Mapping[str, str], platform: str = sys.platform) -> tuple[Path, ...]:
    """The user's config directories for Dragoman, best first."""
    home = env.get("HOME") or env.get("USERPROFILE")
    candidates = (
        env.get("XDG_CONFIG_HOME"),
        f"{home}/.config" if home else None,
        f"{home}/Library/Application Support" if home and platform == "darwin" else None,
        env.get("APPDATA") if platform == "win32" else None,
    )
    # The XDG specification wants relative paths ignored: https://specifications.freedesktop.org/basedir-spec/latest/
    return tuple(Path(folder) / "dragoman" for folder in candidates if folder and Path(folder).is_absolute())


def _without_file(env: Mapping[str, str]) -> Loaded:
    discovery = discover(env)
    return Loaded(Config(providers=discovery.providers), None, discovery.warnings, discovery.found)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read ({error.strerror})", "make it readable", file=str(file))]) from error


def _short(file: Path, cwd: Path) -> str:
    """The name of the file as the user would write it from where they are."""
    return str(file.relative_to(cwd)) if file.is_relative_to(cwd) else str(file)
