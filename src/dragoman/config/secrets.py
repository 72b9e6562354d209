"""Secrets: a value that never shows, and the ways in which config may name one (`$VARIABLE`, `${VARIABLE}`, `file:/path`)."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

_HIDDEN = "***"
_WHOLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_BRACED = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FILE_BYTES = 64 * 1024

_KEY_PREFIXES = ("sk-", "sk_", "gsk_", "xai-", "aiza", "bearer ", "hf_", "nvapi-", "csk-", "pplx-", "fw_", "ghp_", "github_pat_", "eyj")
_RANDOM = re.compile(r"[A-Za-z0-9]{20,}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_QUOTED = re.compile(r"`([^`]*)`")


class Secret:
    """A secret text. Nothing but `reveal` shows it: not repr, str, format, pickling, nor any encoder.

    `origin` says where it came from (`$OPENAI_API_KEY`, `file:/run/key`, `the config file`) and may be shown.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: str = "the config file") -> None:
        self._value = value
        self.origin = origin

    def reveal(self) -> str:
        """The secret itself. Only for the one place that sends or compares it."""
        return self._value

    def digest(self) -> bytes:
        """A SHA-256 of the secret, to look it up or compare it without handling it."""
        return hashlib.sha256(self._value.encode()).digest()

    def matches(self, other: str) -> bool:
        """Whether `other` is this secret, in time that does not depend on where they differ."""
        return hmac.compare_digest(self.digest(), hashlib.sha256(other.encode("utf-8", "surrogateescape")).digest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.digest(), other.digest())

    def __hash__(self) -> int:
        return hash(self.digest())

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN}, origin={self.origin!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __format__(self, spec: str) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


class SecretFault(Exception):
    """A secret (or a text with variables) that cannot be had: what is wrong, and what would be right."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def looks_secret(text: str) -> bool:
    """Whether a text may be a key that landed in the wrong place, and so must not be quoted in an error."""
    if text.strip().lower().startswith(_KEY_PREFIXES):
        return True
    return any(
        any(letter.isdigit() for letter in run) and any(letter.isalpha() for letter in run) for run in map(str, _RANDOM.findall(text))
    )


def without_secrets(sentence: str) -> str:
    """The sentence with whatever may be a key hidden between its backticks."""
    return _QUOTED.sub(lambda match: f"`{_HIDDEN}`" if looks_secret(match.group(1)) else match.group(), sentence)


def shown(text: str) -> str:
    """A text of the user's in backticks, shortened, or hidden if it may be a key."""
    if looks_secret(text):
        return f"`{_HIDDEN}`"
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f"`{clean if len(clean) <= 80 else clean[:77] + '...'}`"


def names_variable(text: str) -> bool:
    """Whether a text stands for an environment variable or a file rather than for itself."""
    return text.startswith(("$", "file:")) or _BRACED.search(text) is not None


class SecretReader:
    """Reads what config says in place of a secret, from the given environment and from files.

    `folder` is where relative `file:` paths begin. `warnings` collects (origin, sentence) for files that others can read, `files`
    every file that was looked for.
    """

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env = env
        self._folder = folder
        self.warnings: list[tuple[str, str]] = []
        self.files: list[Path] = []

    def secret(self, text: str) -> Secret:
        """The secret that `text` names, or is. Raises SecretFault."""
        if text.startswith("file:"):
            return Secret(_sendable(self._file(text.removeprefix("file:")), text), text)
        value = self.expand(text)
        origin = text if names_variable(text) and not looks_secret(text) else "the config file"
        return Secret(_sendable(value.strip(), origin), origin)

    def expand(self, text: str) -> str:
        """`text` with its variables put in: `$NAME` if that is all of it, `${NAME}` anywhere. Raises SecretFault."""
        whole = _WHOLE.fullmatch(text)
        if whole is not None:
            return self._variable(whole.group(1))
        return _BRACED.sub(lambda match: self._variable(match.group(1)), text)

    def _variable(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise SecretFault(f"{shown(name)} is no name of a variable", "write `$NAME` or `${NAME}`, with letters, digits and `_`")
        value = self._env.get(name)
        if value is None:
            raise SecretFault(
                f"the environment variable `{name}` is not set", f"set it (`export {name}=...`) before starting, or take this entry out"
            )
        if not value.strip():
            raise SecretFault(f"the environment variable `{name}` is empty", "give it a value, or take this entry out")
        return value.strip()

    def _file(self, name: str) -> str:
        path = self._path(name)
        self.files.append(path)
        where = f"the file `{path}`"
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                raw = file.read(_FILE_BYTES + 1)
        except FileNotFoundError as error:
            raise SecretFault(f"{where} does not exist", "write `file:` and the path of a file that holds nothing but the key") from error
        except IsADirectoryError as error:
            raise SecretFault(f"`{path}` is a directory", "write the path of a file that holds nothing but the key") from error
        except OSError as error:
            raise SecretFault(
                f"{where} cannot be read ({error.strerror})", "make it readable for the user that runs the gateway"
            ) from error
        if mode & stat.S_IROTH:
            self.warnings.append((f"file:{name}", f"{where} can be read by every user of this machine; `chmod 600` it"))
        if len(raw) > _FILE_BYTES:
            raise SecretFault(f"{where} is too large for a key", "write the path of a file that holds nothing but the key")
        text = raw.decode("utf-8-sig", "replace").strip()
        if not text:
            raise SecretFault(f"{where} is empty", "put the key into it")
        return text

    def _path(self, name: str) -> Path:
        if not name.strip():
            raise SecretFault("`file:` names no file", "write `file:/path/of/the/key`")
        if name.startswith("~/") and self._env.get("HOME"):
            return Path(self._env["HOME"]) / name[2:]
        return self._folder / name.removeprefix("//")


def _sendable(value: str, origin: str) -> str:
    """The value, if it can stand in an HTTP header. Raises SecretFault, which does not quote it."""
    if not value:
        raise SecretFault("is empty", "write `$VARIABLE`, `file:/path`, or leave it out")
    if any(not 0x20 <= ord(letter) < 0x7F for letter in value):
        raise SecretFault(
            f"the value of `{origin}` has a line break or a letter that no HTTP header takes"
            if origin != "the config file"
            else "has a line break or a letter that no HTTP header takes",
            "put nothing but the key there",
        )
    return value
