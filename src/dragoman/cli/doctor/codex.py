"""The installed Codex: version, settings files, stored login, what it says of its own configuration."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dragoman.cli.asking import reason
from dragoman.cli.codex.program import INSTALL, OLDEST_TESTED, Program, ask, is_older_than_tested
from dragoman.cli.codex.surroundings import MANAGED, codex_home, managed_provider
from dragoman.cli.doctor.finding import Finding, ok, problem, warning
from dragoman.cli.doctor.settings import Settings
from dragoman.wire.not_json import NOT_JSON

_PROJECT = Path(".codex") / "config.toml"
_SOCKET = Path("app-server-control") / "app-server-control.sock"


class Startup(msgspec.Struct):
    """What `codex app-server --print-startup-config` prints if the settings cannot be loaded."""

    error: StartupError | None = None


class StartupError(msgspec.Struct):
    """Its own words, and where."""

    message: str
    data: dict[str, Any] = {}

    @property
    def detail(self) -> str:
        """One line of it."""
        return " ".join(str(self.data.get("detail") or self.message).split())


def check_program(program: Program | None) -> Iterator[Finding]:
    """Is there a Codex, and is it new enough?"""
    if program is None:
        yield problem("codex", "is not on PATH", INSTALL)
    elif program.fault:
        yield problem("codex", f"{program.path} does not run: {program.fault}", f"{INSTALL} (it needs node)")
    elif is_older_than_tested(program):
        tested = ".".join(map(str, OLDEST_TESTED))
        yield warning("codex", f"is {program.version_text}; Dragoman is tested with {tested} and later", f"{INSTALL}@latest")
    else:
        yield ok("codex", f"{program.version_text} ({program.path})")


def check_home(env: Mapping[str, str], managed: Path = MANAGED) -> Iterator[Finding]:
    """What stands around its settings: the home, the administrator's file, a server in the background, the stored login."""
    home = codex_home(env)
    if env.get("CODEX_HOME") and not home.is_dir():
        yield problem("CODEX_HOME", f"points to `{home}`, which is no directory: Codex refuses to start", "mkdir it, or unset CODEX_HOME")
    prescribed = managed_provider(managed)
    if prescribed is not None:
        yield problem(
            "administrator",
            f"`{managed}` prescribes the provider `{prescribed}` and wins over everything",
            "ask who keeps it to leave the provider out",
        )
    if (home / _SOCKET).exists():
        yield ok(
            "background server", "a Codex app server runs or ran here; after a change of config.toml type `codex app-server daemon restart`"
        )
    login = stored_login(home)
    if login is not None:
        yield ok("stored login", _LOGINS.get(login, login))


def check_configuration(program: Program, env: Mapping[str, str], cwd: Path) -> Iterator[Finding]:
    """Ask Codex itself whether it can load its settings, first leniently, then strictly. Sends nothing to anybody."""
    lenient = _startup(program, env, cwd, "--print-startup-config")
    if lenient is not None:
        yield problem("config.toml", f"Codex refuses to start: {lenient}", "change or remove what it names")
        return
    strict = _startup(program, env, cwd, "--strict-config", "--print-startup-config")
    if strict is not None:
        yield warning("config.toml", f"Codex ignores a part of it: {strict}", "correct or remove it")


def read_settings(env: Mapping[str, str], cwd: Path) -> tuple[Settings, list[Finding]]:
    """The settings files of this machine and directory, and what cannot be read of them."""
    home = codex_home(env)
    findings: list[Finding] = []
    profiles = {path.name.removesuffix(".config.toml"): _read(path, findings) for path in sorted(home.glob("*.config.toml"))}
    project = project_file(cwd, home)
    settings = Settings(
        table=_read(home / "config.toml", findings),
        login=stored_login(home),
        project=_read(project, findings) if project else {},
        profiles=profiles,
    )
    return settings, findings


def project_file(cwd: Path, home: Path) -> Path | None:
    """The `.codex/config.toml` that Codex finds from here up to the top of the repository; the user's own is none."""
    for folder in (cwd, *cwd.parents):
        file = folder / _PROJECT
        if file.is_file() and file.parent.resolve() != home.resolve():
            return file
        if (folder / ".git").exists():
            return None
    return None


def stored_login(home: Path) -> str | None:
    """The kind of login in auth.json (`chatgpt`, `apikey`, …), never its contents; None without one."""
    try:
        stored = msgspec.json.decode((home / "auth.json").read_bytes(), type=dict[str, Any])
    except (OSError, *NOT_JSON):
        return None
    mode = stored.get("auth_mode")
    if isinstance(mode, str):
        return mode.lower()
    if stored.get("tokens"):
        return "chatgpt"
    return "apikey" if stored.get("OPENAI_API_KEY") else None


def _startup(program: Program, env: Mapping[str, str], cwd: Path, *flags: str) -> str | None:
    """What Codex has against its settings; None: nothing, or it is too old to be asked."""
    said = ask([program.path, "app-server", *flags], env, cwd=cwd)
    try:
        startup = msgspec.json.decode(said.out, type=Startup)
    except NOT_JSON:
        return None
    return startup.error.detail if startup.error else None


def _read(path: Path, findings: list[Finding]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        findings.append(problem(str(path), f"cannot be read: {reason(error)}", "correct it; Codex refuses to start with it"))
        return {}


_LOGINS = {
    "chatgpt": "ChatGPT; `dragoman codex` sends it nowhere (Codex still fetches its apps from chatgpt.com: `-c features.apps=false`)",
    "apikey": "an OpenAI key; `dragoman codex` sends it nowhere",
}
