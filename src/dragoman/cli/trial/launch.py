"""`dragoman codex --try`: check, make the worktrees, run Codex in each, compare. Nothing of the user's is changed, whatever happens."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import msgspec

from dragoman.cli.codex.arguments import Door, door_arguments
from dragoman.cli.trial import results
from dragoman.cli.trial.crew import Crew, Job
from dragoman.cli.trial.fitting import Fitted, fit, task
from dragoman.cli.trial.inquiry import check_models, fetch_sums
from dragoman.cli.trial.progress import Progress
from dragoman.cli.trial.repository import GitFailed, Repository, find_repository, plain_environment
from dragoman.cli.trial.state import Entry, Trial, folder_names, folder_of, forget, locked, save, tries_folder
from dragoman.cli.trial.wishes import Wishes, labels

_GIVEN = "standard-input"


class Prepared(msgspec.Struct, frozen=True):
    """Everything that could be checked before a gateway is looked for."""

    wishes: Wishes
    fitted: Fitted
    repository: Repository
    inside: str
    task: str


class Surroundings(msgspec.Struct, frozen=True):
    """program: Codex's path. address: the gateway's. env: what Codex runs in. open_door: the door for a run id and its model."""

    program: str
    address: str
    env: Mapping[str, str]
    open_door: Callable[[str, str], Door]


def prepare(wishes: Wishes, arguments: list[str], env: Mapping[str, str]) -> Prepared:
    """Check the command line and the repository. Raises ClickException."""
    fitted = fit(arguments)
    place = Path.cwd()
    repository = find_repository(place, env)
    root = repository.root.resolve()
    if tries_folder(env).resolve().is_relative_to(root):
        raise click.ClickException(
            f"the worktrees would be made in `{tries_folder(env)}`, which is inside the repository `{root}`: set XDG_STATE_HOME elsewhere"
        )
    return Prepared(wishes, fitted, repository, str(place.resolve().relative_to(root)), task(arguments))


def run_trial(prepared: Prepared, surroundings: Surroundings) -> int:
    """Try every model. Returns 0 if one at least came to its end, 128 + n if signal n stopped us, else 1. Raises ClickException."""
    env = surroundings.env
    check_models(surroundings.address, prepared.wishes.models, env)
    given = b"" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer.read()
    trial = _begin(prepared)
    with locked(env, trial):
        save(env, trial)
        try:
            _make_worktrees(prepared.repository, env, trial)
        except BaseException:
            forget(env, trial)
            discard(prepared.repository, env, trial)
            raise
        stopped = _run(prepared, surroundings, trial, given)
    click.echo(results.comparison(prepared.repository, env, trial))
    click.echo(f"\n{results.next_steps(prepared.repository, env, trial)}")
    if stopped is not None:
        return 128 + stopped
    return 0 if any(entry.state == "ended" and entry.code == 0 for entry in trial.entries) else 1


def discard(repository: Repository, env: Mapping[str, str], trial: Trial) -> None:
    """Remove everything that was made for a try: worktrees, commits, logs."""
    for entry in trial.entries:
        repository.remove_worktree(folder_of(env, trial) / entry.folder)
    repository.drop_refs(trial.id)


def _begin(prepared: Prepared) -> Trial:
    """The base that every model starts from: HEAD, and on top of it what the user has not committed, so that no diff shows that."""
    repository = prepared.repository
    head = repository.head()
    tree = repository.snapshot()
    uncommitted = len(repository.changes(head, tree))
    base = repository.commit(tree, head, "what was not committed") if uncommitted else head
    named = labels(prepared.wishes.models)
    entries = [
        Entry(label, model, folder, secrets.token_hex(6))
        for label, model, folder in zip(named, prepared.wishes.models, folder_names(named), strict=True)
    ]
    return Trial(
        id=secrets.token_hex(3),
        root=str(repository.root),
        inside=prepared.inside,
        task=prepared.task,
        head=head,
        base=base,
        began_at=time.time(),
        uncommitted=uncommitted,
        entries=entries,
    )


def _make_worktrees(repository: Repository, env: Mapping[str, str], trial: Trial) -> None:
    repository.keep_ref(f"{trial.id}/base", trial.base)
    for entry in trial.entries:
        repository.add_worktree(folder_of(env, trial) / entry.folder, trial.base)


def _run(prepared: Prepared, surroundings: Surroundings, trial: Trial, given: bytes) -> int | None:
    env = surroundings.env
    folder = folder_of(env, trial)
    if given:
        (folder / _GIVEN).write_bytes(given)

    def settle(entry: Entry) -> None:
        entry.sums = fetch_sums(surroundings.address, entry.run, env)
        try:
            results.settle(prepared.repository, env, trial, entry)
        except GitFailed as error:
            entry.message = error.message
        save(env, trial)

    def ask(entry: Entry) -> dict[str, object]:
        return fetch_sums(surroundings.address, entry.run, env, wait_s=0.5)

    click.echo(_greeting(trial, folder), err=True)
    progress = Progress(trial, sys.stderr, settle=settle, ask=ask)
    jobs = [_job(prepared, surroundings, trial, entry, folder / _GIVEN if given else None) for entry in trial.entries]
    crew = Crew(jobs, at_most=prepared.wishes.jobs, limit_s=prepared.wishes.limit_s, watcher=progress)
    stopped = crew.run()
    progress.close()
    save(env, trial)
    click.echo("", err=True)
    return stopped


def _job(prepared: Prepared, surroundings: Surroundings, trial: Trial, entry: Entry, given: Path | None) -> Job:
    folder = folder_of(surroundings.env, trial)
    command = prepared.fitted.command(entry.model, str(results.last_message_path(folder, entry)))
    place = folder / entry.folder / prepared.inside
    # A directory in which nothing is kept by git is not in the worktree.
    place.mkdir(parents=True, exist_ok=True)
    return Job(
        entry=entry,
        command=[surroundings.program, *door_arguments(surroundings.open_door(entry.run, entry.model)), *command],
        env={**plain_environment(surroundings.env), "PWD": str(place)},
        place=place,
        log=results.log_path(folder, entry),
        given=given,
    )


def _greeting(trial: Trial, folder: Path) -> str:
    count = len(trial.entries)
    return f"dragoman: try {trial.id}: {count} worktree{'' if count == 1 else 's'} in {folder} (Ctrl-C stops, and keeps what there is)"
