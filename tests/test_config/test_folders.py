"""Where a user's files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.config.folders import cache_folder, data_folder, expanded, home, state_folder
from dragoman.ir.errors import GatewayError


@pytest.mark.parametrize(
    ("env", "platform", "folder"),
    [
        ({"HOME": "/home/ada"}, "linux", "/home/ada/.local/share/dragoman"),
        ({"HOME": "/Users/ada"}, "darwin", "/Users/ada/Library/Application Support/dragoman"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}, "linux", "/data/dragoman"),
        ({"HOME": "/home/ada", "XDG_DATA_HOME": "relative"}, "linux", "/home/ada/.local/share/dragoman"),
    ],
)
def test_what_is_kept_is_in_the_users_data_folder(env: dict[str, str], platform: str, folder: str) -> None:
    assert data_folder(env, platform) == Path(folder)


def test_logs_and_what_can_be_made_anew_have_folders_of_their_own() -> None:
    named = {"XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c"}

    assert (state_folder({"HOME": "/h"}), cache_folder({"HOME": "/h"})) == (Path("/h/.local/state/dragoman"), Path("/h/.cache/dragoman"))
    assert (state_folder(named), cache_folder(named)) == (Path("/s/dragoman"), Path("/c/dragoman"))


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)

    assert data_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/dragoman")
    with pytest.raises(GatewayError, match="`HOME` is not set, and the system knows none for this user; set `HOME`"):
        home({})


def test_a_name_that_begins_like_somebodys_home_is_only_a_name() -> None:
    assert expanded("~no-such-user/dragoman.yaml") == Path("~no-such-user/dragoman.yaml")
