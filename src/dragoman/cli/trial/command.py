"""`dragoman tries`: what was tried, the diffs of it, and one command to keep one or to remove them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from dragoman.cli.columns import aligned
from dragoman.cli.trial.launch import discard
from dragoman.cli.trial.repository import GitFailed, Repository, plain_environment
from dragoman.cli.trial.results import comparison, last_message, next_steps, work_of
from dragoman.cli.trial.state import Entry, Trial, find_entry, find_trial, forget, is_running, load_all, save

_ID = click.argument("trial", metavar="ID")
_MODEL = click.argument("model", metavar="MODEL")


@click.group(invoke_without_command=True)
@click.pass_context
def tries(context: click.Context) -> None:
    """List what was tried with `dragoman codex --try`, show it, keep one, remove the rest. ID may be the beginning of one, MODEL its
    number in the table or a part of its name."""
    if context.invoked_subcommand is None:
        click.echo(_listing(dict(os.environ)))


@tries.command("list")
def list_() -> None:
    """List them, the oldest first."""
    click.echo(_listing(dict(os.environ)))


@tries.command()
@_ID
@click.argument("model", metavar="[MODEL]", required=False)
def show(trial: str, model: str | None) -> None:
    """The comparison; with MODEL the whole diff of that model, as `git diff` shows it, or what it said if it changed nothing."""
    env = dict(os.environ)
    found = find_trial(env, trial)
    repository = _repository(found, env)
    if model is None:
        click.echo(comparison(repository, env, found))
        click.echo(f"\n{next_steps(repository, env, found)}")
        return
    entry = find_entry(found, model)
    tree = _work(repository, env, found, entry)
    if not repository.changes(found.base, tree):
        # Asked to explain something, its words are its work.
        click.echo(last_message(env, found, entry) or f"`{entry.label}` changed nothing and said nothing")
        return
    # Git's own pager and colours, as the user likes them.
    sys.exit(subprocess.run(["git", "diff", found.base, tree], cwd=repository.root, env=repository.env, check=False).returncode)


@tries.command()
@_ID
@_MODEL
def keep(trial: str, model: str) -> None:
    """Put the changes of one model into the working tree, uncommitted. What you have changed meanwhile stays; where both changed the
    same lines, nothing is done."""
    env = dict(os.environ)
    found = find_trial(env, trial)
    repository = _repository(found, env)
    entry = find_entry(found, model)
    count = put_into(repository, found, _work(repository, env, found, entry), entry)
    found.kept = entry.label
    save(env, found)
    files = "file" if count == 1 else "files"
    click.echo(f"kept {entry.label}: {count} {files} changed in {found.root}, nothing committed or staged")
    click.echo(f"remove the worktrees: dragoman tries drop {found.id}")


@tries.command()
@click.argument("names", metavar="ID...", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All that are not running.")
def drop(names: tuple[str, ...], is_all: bool) -> None:
    """Remove the worktrees of a try, its commits and its logs. What was kept stays in the working tree."""
    env = dict(os.environ)
    if bool(names) == is_all:
        raise click.ClickException("say which: `dragoman tries drop ID`, or `--all`")
    trials = [trial for trial in load_all(env) if not is_running(env, trial)] if is_all else [find_trial(env, name) for name in names]
    for trial in trials:
        if is_running(env, trial):
            raise click.ClickException(f"try `{trial.id}` is still running; stop it with Ctrl-C where it was started")
        _remove(trial, env)
        click.echo(f"removed {trial.id}: {trial.task}")
    if not trials:
        click.echo("there is nothing to remove")


def put_into(repository: Repository, trial: Trial, tree: str, entry: Entry) -> int:
    """Merge a model's work into the user's working tree and return how many files changed. All or nothing; the index stays as it is.

    Raises ClickException if the model changed nothing, or the same lines as the user.
    """
    patch = repository.patch(trial.base, tree)
    if not patch:
        raise click.ClickException(f"`{entry.label}` changed nothing")
    ours = repository.snapshot()
    try:
        merged = repository.merge(ours, patch)
        repository.apply(repository.patch(ours, merged))
    except GitFailed as error:
        touched = {change.path for change in repository.changes(trial.base, ours)}
        both = [change.path for change in repository.changes(trial.base, tree) if change.path in touched]
        where = ", ".join(f"`{path}`" for path in both[:5]) or error.message
        raise click.ClickException(
            f"nothing was changed: what you changed since the try began is in the way of `{entry.label}` ({where});"
            f" commit or undo that, or take the lines you want from `dragoman tries show {trial.id} {entry.label}`"
        ) from error
    return len(repository.changes(ours, merged))


def _work(repository: Repository, env: Mapping[str, str], trial: Trial, entry: Entry) -> str:
    tree = work_of(repository, env, trial, entry)
    if tree is None:
        raise click.ClickException(f"`{entry.label}` was not run, so there is nothing of it")
    return tree


def _repository(trial: Trial, env: Mapping[str, str]) -> Repository:
    if not Path(trial.root).is_dir():
        raise click.ClickException(
            f"the repository of this try, `{trial.root}`, is gone; `dragoman tries drop {trial.id}` removes the rest"
        )
    return Repository(Path(trial.root), plain_environment(env))


def _remove(trial: Trial, env: Mapping[str, str]) -> None:
    """The folder first: whatever git says, the worktrees are gone, and git notices that by itself."""
    forget(env, trial)
    root = Path(trial.root)
    if root.is_dir():
        try:
            discard(Repository(root, plain_environment(env)), env, trial)
        except GitFailed as error:
            click.echo(f"dragoman: {error.message}", err=True)


def _listing(env: Mapping[str, str]) -> str:
    trials = load_all(env)
    if not trials:
        return 'nothing was tried yet: dragoman codex --try MODEL,MODEL "a task"'
    rows = [("id", "when", "models", "state", "task"), *(_row(trial, env) for trial in trials)]
    return "\n".join(aligned(rows))


def _row(trial: Trial, env: Mapping[str, str]) -> tuple[str, ...]:
    state = "running" if is_running(env, trial) else f"kept {trial.kept}" if trial.kept else _summary(trial)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(trial.began_at))
    return trial.id, when, ", ".join(entry.label for entry in trial.entries), state, trial.task[:60]


def _summary(trial: Trial) -> str:
    done = sum(entry.state == "ended" and entry.code == 0 for entry in trial.entries)
    return f"{done} of {len(trial.entries)} done"
