"""What `dragoman replay` says before anything is sent."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from dragoman.cli.replay import replay

CONFIG = "providers: {up: {kind: openai-compatible, base_url: 'http://127.0.0.1:9', keys: [k]}}\nserver: {port: 1}\n"


def test_report_of_an_unknown_kind_is_refused() -> None:
    ran = CliRunner().invoke(replay, ["ex_1", "--model", "m", "--out", "report.pdf"])

    assert ran.exit_code == 2
    assert "--out ends with what it is to be: .md, .html, .json" in ran.output


def test_report_that_could_not_be_written_is_refused_before_anything_is_spent(tmp_path: Path) -> None:
    ran = CliRunner().invoke(replay, ["ex_1", "--model", "m", "--out", str(tmp_path / "none" / "report.md")])

    assert ran.exit_code == 2
    assert f"--out: there is no folder `{tmp_path / 'none'}` to write the report into" in ran.output


def test_gateway_that_is_named_and_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG)

    ran = CliRunner().invoke(replay, ["ex_1", "--model", "m", "--config", str(tmp_path / "c.yaml"), "--gateway", "http://127.0.0.1:1"])

    assert ran.exit_code == 1
    assert "no gateway answers at http://127.0.0.1:1" in ran.output
