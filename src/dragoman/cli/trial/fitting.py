"""Makes of a Codex command line the one that a try runs: `codex exec` with a model, and nothing that would leave its worktree. Pure."""

from __future__ import annotations

import textwrap

import click
import msgspec

from dragoman.cli.codex.arguments import options_of, read_arguments

_EXEC = ("exec", "e")
_TASK = 100
_SANDBOX = frozenset({"-s", "--sandbox", "--dangerously-bypass-approvals-and-sandbox", "--approve-for-me"})
_IN_CONFLICT = {
    "-m": "`-m` and `--try` both name models: leave out `-m`",
    "--model": "`--model` and `--try` both name models: leave out `--model`",
    "-C": "`-C` would lead every try into the same directory: leave it out and run this from there",
    "--cd": "`--cd` would lead every try into the same directory: leave it out and run this from there",
    "-o": "`-o` would be written by every try: leave it out, the last message of each is kept",
    "--output-last-message": "`--output-last-message` would be written by every try: leave it out, the last message of each is kept",
    "--worktree": "`--worktree` asks for what `--try` does itself: leave it out",
}


class Fitted(msgspec.Struct, frozen=True):
    """before: what stands before `exec`. after: what stands after it. may_write: a sandbox that lets the model edit must be asked for,
    since the command line says nothing of it."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    may_write: bool

    def command(self, model: str, last_message: str) -> list[str]:
        """What Codex is given for this model."""
        sandbox = ["--sandbox", "workspace-write"] if self.may_write else []
        return [*self.before, "exec", "-m", model, "-o", last_message, *sandbox, *self.after]


def fit(arguments: list[str]) -> Fitted:
    """Fit a command line to be tried. Raises ClickException for what cannot be."""
    subcommand = read_arguments(arguments).subcommand
    if subcommand is not None and subcommand not in _EXEC:
        raise click.ClickException(f"`--try` runs `codex exec` with a task, and `codex {subcommand}` is something else")
    options = options_of(arguments)
    for flag, _ in options:
        reason = _IN_CONFLICT.get(flag) or (_IN_CONFLICT["-o"] if flag.startswith("-o") else None)
        if reason:
            raise click.ClickException(reason)
    at = arguments.index(subcommand) if subcommand else None
    before, after = ([], arguments) if at is None else (arguments[:at], arguments[at + 1 :])
    is_told = any(flag in _SANDBOX or (flag in ("-c", "--config") and value.startswith("sandbox_mode")) for flag, value in options)
    return Fitted(tuple(before), tuple(after), may_write=not is_told)


def task(arguments: list[str]) -> str:
    """The task in a few words: the last word of the command line that is no option."""
    words = [word for word in arguments if not word.startswith("-") and word not in _EXEC]
    return textwrap.shorten(words[-1], _TASK, placeholder=" …") if words else "(from standard input)"
