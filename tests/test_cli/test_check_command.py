"""`dragoman check`, as it is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from dragoman.cli.check import check
from dragoman.config.problems import ConfigError

PROVIDERS = "providers: {lab: {kind: vllm}}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRAGOMAN_CONFIG", raising=False)
    return tmp_path


def told(*arguments: str) -> str:
    """What it prints, or raises for `main` to print."""
    ran = CliRunner().invoke(check, arguments)
    return str(ran.exception) if isinstance(ran.exception, ConfigError) else ran.output


@pytest.mark.parametrize("way", [[], ["--config"]])
def test_a_config_that_holds_is_told_so(place: Path, way: list[str]) -> None:
    Path("some.yaml").write_text(PROVIDERS)

    assert told(*way, "some.yaml").splitlines()[-1] == "✓ some.yaml: the config holds"


def test_what_serve_would_refuse_to_listen_on_is_refused(place: Path) -> None:
    Path("dragoman.yaml").write_text(PROVIDERS + "server: {host: 0.0.0.0}\n")

    assert told() == (
        "dragoman.yaml: server.host: `0.0.0.0` can be reached from other machines, and without `access.keys` everyone who reaches it "
        "spends your keys; add `access: {keys: [{name: ada, key: $ADA_KEY}]}`, listen on 127.0.0.1, or set `server.allow_open: true`"
    )


def test_what_is_no_file_is_told(place: Path) -> None:
    Path("folder").mkdir()

    assert told("nowhere.yaml") == "nowhere.yaml: there is no such file (it was given on the command line); correct the path"
    assert told("folder") == "folder: is a folder (it was given on the command line); name the file in it"
    assert (
        told(os.devnull) == f"{os.devnull}: is a pipe or a device (it was given on the command line); name a file, which can be read again"
    )
