"""What a try needs of git. The user's index, branches and stash are never touched: every snapshot goes through an index of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

_IDENTITY = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "dragoman"), ("EMAIL", "dragoman@localhost"))
}
# No hook of the user's runs for a worktree of ours, and his taste in diffs does not reach a patch that is applied again.
_PLAIN = ("-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false")
_LEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


class GitFailed(click.ClickException):
    """Git refused; the message has its words."""


class Change(msgspec.Struct, frozen=True):
    """What became of one file. added, removed: lines, None for a binary file."""

    path: str
    added: int | None
    removed: int | None


class Repository(msgspec.Struct, frozen=True):
    """A working tree, its root, and the environment that git runs in."""

    root: Path
    env: Mapping[str, str]

    def git(self, *arguments: str, index: Path | None = None, given: bytes = b"", work_tree: Path | None = None) -> bytes:
        """What git answers, run at the root (or that of another worktree). Raises GitFailed."""
        env = {**self.env, **_IDENTITY, **({"GIT_INDEX_FILE": str(index)} if index else {})}
        done = subprocess.run(
            ["git", *_PLAIN, *arguments], cwd=work_tree or self.root, env=env, input=given, capture_output=True, check=False
        )
        if done.returncode:
            raise GitFailed(f"`git {arguments[0]}` failed: {_words(done.stderr) or f'exit code {done.returncode}'}")
        return done.stdout

    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "--verify", "HEAD^{commit}").decode().strip()

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self.git("rev-parse", f"{commit}^{{tree}}").decode().strip()

    def commit(self, tree: str, parent: str, message: str) -> str:
        """A commit on no branch."""
        return self.git("commit-tree", tree, "-p", parent, "-m", message).decode().strip()

    def snapshot(self, work_tree: Path | None = None) -> str:
        """A worktree as it stands, as a tree: what is committed, changed and untracked, but nothing ignored."""
        place = work_tree or self.root
        with tempfile.TemporaryDirectory(prefix="dragoman-") as folder:
            index = Path(folder) / "index"
            # A copy of the real index spares git reading every file again. With its time: git mistrusts entries as young as that.
            real = place / self.git("rev-parse", "--git-path", "index", work_tree=place).decode().strip()
            if real.exists():
                shutil.copy2(real, index)
            self.git("add", "--all", ".", index=index, work_tree=place)
            return self.git("write-tree", index=index, work_tree=place).decode().strip()

    def changes(self, before: str, after: str) -> list[Change]:
        """What differs between two trees or commits."""
        told = self.git("diff-tree", "-r", "-z", "--numstat", "--no-renames", before, after).decode("utf-8", "replace")
        rows = [row.split("\t", 2) for row in told.split("\0") if row]
        return [Change(path, _number(added), _number(removed)) for added, removed, path in rows]

    def patch(self, before: str, after: str) -> bytes:
        """The difference between two trees or commits, as `git apply` takes it."""
        shape = (
            "--binary",
            "--full-index",
            "--no-renames",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        )
        return self.git("diff-tree", "-p", *shape, before, after)

    def merge(self, ours: str, patch: bytes) -> str:
        """The tree `ours` with a patch merged into it, three ways. Raises GitFailed where they touch the same lines."""
        with tempfile.TemporaryDirectory(prefix="dragoman-") as folder:
            index = Path(folder) / "index"
            self.git("read-tree", ours, index=index)
            self.git("apply", "--cached", "--3way", "--whitespace=nowarn", "-", index=index, given=patch)
            return self.git("write-tree", index=index).decode().strip()

    def apply(self, patch: bytes) -> None:
        """Change the files of the working tree, all or none, and nothing else. Raises GitFailed."""
        self.git("apply", "--whitespace=nowarn", "-", given=patch)

    def add_worktree(self, place: Path, commit: str) -> None:
        """A worktree on no branch."""
        self.git("worktree", "add", "--quiet", "--detach", str(place), commit)

    def remove_worktree(self, place: Path) -> None:
        """Remove a worktree with all that is in it, and whatever git remembers of those that are gone."""
        if place.exists():
            shutil.rmtree(place)
        self.git("worktree", "prune")

    def keep_ref(self, name: str, commit: str) -> None:
        """Keep a commit from git's own cleaning."""
        self.git("update-ref", f"refs/dragoman/tries/{name}", commit)

    def drop_refs(self, trial: str) -> None:
        """Let go of the commits of a try."""
        names = self.git("for-each-ref", "--format=%(refname)", f"refs/dragoman/tries/{trial}/").decode().split()
        for name in names:
            self.git("update-ref", "-d", name)


def find_repository(place: Path, env: Mapping[str, str]) -> Repository:
    """The repository that this directory belongs to. Raises ClickException where there is none, or nothing in it is committed."""
    plain = {name: value for name, value in env.items() if name not in _LEADING}
    if shutil.which("git", path=env.get("PATH")) is None:
        raise click.ClickException("there is no `git` on PATH, and `--try` gives each model a git worktree")
    try:
        root = Repository(place, plain).git("rev-parse", "--show-toplevel").decode().rstrip("\n")
    except GitFailed as error:
        if "not a git repository" not in error.message:
            raise
        hint = "`git init && git add --all && git commit -m start` makes one"
        raise click.ClickException(f"`{place}` is not in a git repository, and `--try` gives each model a git worktree; {hint}") from error
    repository = Repository(Path(root), plain)
    try:
        repository.head()
    except GitFailed as error:
        hint = "`git add --all && git commit -m start` makes one"
        raise click.ClickException(f"the repository `{root}` has no commit, which the worktrees of `--try` start from; {hint}") from error
    return repository


def plain_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that lead git elsewhere, as they do inside its own hooks."""
    return {name: value for name, value in env.items() if name not in _LEADING}


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _words(stderr: bytes) -> str:
    """What git said last, on one line."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = [line.partition(": ")[2] or line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
    return "; ".join(said[:3])
