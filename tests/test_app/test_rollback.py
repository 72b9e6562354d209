"""A rollback writes what a revision said, and refuses wherever something would be lost or made up."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from dragoman.app import rollback
from dragoman.app.revisions import Revisions
from dragoman.app.rollback import Rolled, roll_back
from dragoman.config.problems import ConfigError
from dragoman.config.written import read_written
from dragoman.ir.errors import GatewayError

ONE = "# the first, by ada\nproviders: {a: {kind: demo}}\nmodels: {m: a/x}\n"
TWO = "providers: {a: {kind: demo}}\nmodels: {m: a/y}\n"
KEYED = "providers: {a: {kind: openai, keys: [a-key-in-plain]}}   # whose?\n"


class Place:
    """A config file with revisions."""

    def __init__(self, folder: Path, *texts: str) -> None:
        self.file = folder / "dragoman.yaml"
        self.env = {"HOME": str(folder / "home")}
        for text in texts:
            self.write(text)
            Revisions.of(self.file, self.env).keep(read_written(text.encode()))

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def back(self, number: int) -> Rolled:
        return roll_back(self.file, number, self.env)


def test_the_file_says_again_what_it_said_comments_and_all(tmp_path: Path) -> None:
    place = Place(tmp_path, ONE, TWO)
    place.file.chmod(0o640)

    rolled = place.back(1)

    assert rolled == Rolled(str(place.file), 1, changed=True)
    assert (place.file.read_text(), stat.S_IMODE(place.file.stat().st_mode)) == (ONE, 0o640)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["dragoman.yaml"]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    place = Place(tmp_path, ONE, TWO)
    place.file.rename(tmp_path / "real.yaml")
    place.file.symlink_to("real.yaml")

    place.back(1)

    assert (place.file.is_symlink(), (tmp_path / "real.yaml").read_text()) == (True, ONE)


def test_what_is_in_no_revision_is_not_overwritten(tmp_path: Path) -> None:
    place = Place(tmp_path, ONE, TWO)
    for text in (TWO + "# a thought\n", "models: [", ""):
        place.write(text)

        with pytest.raises(GatewayError, match="those changes would be lost"):
            place.back(1)

        assert place.file.read_text() == text


def test_a_file_that_is_gone_comes_back(tmp_path: Path) -> None:
    place = Place(tmp_path, ONE, TWO)
    place.file.unlink()

    place.back(1)

    assert (place.file.read_text(), stat.S_IMODE(place.file.stat().st_mode)) == (ONE, 0o600)


def test_a_change_in_the_last_moment_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, ONE, TWO)
    parse = rollback.parse

    def meanwhile(*arguments: object, **named: object) -> object:
        place.write("somebody else's")
        return parse(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rollback, "parse", meanwhile)

    with pytest.raises(GatewayError, match="changed in this moment"):
        place.back(1)

    assert place.file.read_text() == "somebody else's"


def test_a_key_in_plain_is_that_of_today(tmp_path: Path) -> None:
    place = Place(tmp_path, KEYED, KEYED + "models: {m: a/x}\n")
    place.write(place.file.read_text().replace("a-key-in-plain", "the-key-of-today"))

    place.back(1)

    assert place.file.read_text() == KEYED.replace("a-key-in-plain", "the-key-of-today")


def test_a_key_in_plain_that_stands_nowhere_any_more_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path, KEYED, TWO)

    with pytest.raises(GatewayError) as caught:
        place.back(1)

    assert caught.value.message == (
        "revision 1 had a key in plain at `providers.a.keys[0]`, which no revision keeps, and `dragoman.yaml` has none there now; "
        "write it as `$VARIABLE`, or put one there before rolling back"
    )
    assert (place.file.read_text(), caught.value.honest_status) == (TWO, 409)


def test_a_revision_that_cannot_be_used_any_more_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path, "providers: {a: {kind: openai, keys: [$GONE]}}\n", TWO)

    with pytest.raises(ConfigError, match=r"dragoman.yaml of revision 1:1: .*`GONE` is not set"):
        place.back(1)

    assert place.file.read_text() == TWO


def test_what_the_file_says_already_is_not_written(tmp_path: Path) -> None:
    place = Place(tmp_path, ONE, TWO)

    assert place.back(2) == Rolled(str(place.file), 2, changed=False)
