"""`dragoman import`, as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dragoman.cli.importing import import_

THEIRS = """
model_list:
  - {model_name: g, litellm_params: {model: openai/gpt-5.5, api_key: sk-live-0123456789abcdefghij}}
general_settings: {database_url: "postgresql://h/db"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config.yaml").write_text(THEIRS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_file_is_printed_and_what_is_left_to_do_told_beside_it(folder: Path) -> None:
    told = CliRunner().invoke(import_, ["litellm", "config.yaml"])

    assert told.exit_code == 0
    assert "models:\n  g: openai/gpt-5.5\n" in told.stdout
    assert told.stderr.splitlines() == [
        "Export these before the gateway starts:",
        "  OPENAI_API_KEY  the value at model_list[0].litellm_params.api_key",
        "What of config.yaml has no counterpart:",
        "  ! general_settings.database_url: has no counterpart; "
        "keys and settings stand in dragoman.yaml; where exchanges are kept is `database`",
        "✓ what was printed holds; `dragoman check` says so once the variables are set.",
    ]


def test_place_that_cannot_be_written_is_told(folder: Path) -> None:
    told = CliRunner().invoke(import_, ["litellm", "config.yaml", "--output", "none/dragoman.yaml"])

    assert (told.exit_code, told.output) == (1, "Error: `none/dragoman.yaml` cannot be written: No such file or directory\n")


def test_file_is_written_and_never_over_another_unasked(folder: Path) -> None:
    first = CliRunner().invoke(import_, ["litellm", "config.yaml", "-o", "dragoman.yaml"])
    second = CliRunner().invoke(import_, ["litellm", "config.yaml", "-o", "dragoman.yaml"])
    third = CliRunner().invoke(import_, ["litellm", "config.yaml", "-o", "dragoman.yaml", "--force"])

    assert [told.exit_code for told in (first, second, third)] == [0, 1, 0]
    assert "dragoman.yaml exists already" in second.stderr
    assert (folder / "dragoman.yaml").read_text().startswith("# Made by `dragoman import litellm config.yaml`.")
