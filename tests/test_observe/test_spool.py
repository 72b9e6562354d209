"""What waits on disk is there again, in its order, whatever became of those who wrote it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from dragoman.observe.spool import Spool


def spool(folder: Path, begun: str = "1", most: int = 10**6) -> Spool:
    return Spool(folder, most, begun)


def drain(waiting: Spool) -> list[bytes]:
    found: list[bytes] = []
    while True:
        with waiting.oldest() as frames:
            if frames is None:
                return found
            found += frames


def test_frames_come_back_in_their_order_and_once(tmp_path: Path) -> None:
    waiting = spool(tmp_path)
    for number in range(5):
        waiting.append(b"%d" % number)

    assert drain(waiting) == [b"0", b"1", b"2", b"3", b"4"]
    assert (drain(waiting), waiting.size_bytes, list(tmp_path.iterdir())) == ([], 0, [])


def test_what_an_earlier_process_left_comes_first(tmp_path: Path) -> None:
    earlier = spool(tmp_path, "1")
    earlier.append(b"a")
    earlier.close()
    later = spool(tmp_path, "2")
    later.append(b"b")

    assert drain(later) == [b"a", b"b"]


def test_file_of_a_process_that_lives_is_left_to_it(tmp_path: Path) -> None:
    living, other = spool(tmp_path, "1"), spool(tmp_path, "2")
    living.append(b"a")
    other.append(b"b")

    assert (drain(other), drain(living)) == ([b"b"], [b"a"])


@pytest.mark.parametrize("cut", range(1, 12))
def test_frame_that_was_cut_off_is_left_and_those_before_it_are_sound(tmp_path: Path, cut: int) -> None:
    waiting = spool(tmp_path)
    waiting.append(b"whole")
    waiting.append(b"last")
    waiting.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-cut])

    assert drain(spool(tmp_path, "2")) == [b"whole"]


def test_frame_with_a_wrong_bit_is_left(tmp_path: Path) -> None:
    waiting = spool(tmp_path)
    waiting.append(b"whole")
    waiting.append(b"last")
    waiting.close()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"T")

    assert drain(spool(tmp_path, "2")) == [b"whole"]


def test_file_stays_where_it_could_not_be_used_up(tmp_path: Path) -> None:
    waiting = spool(tmp_path)
    waiting.append(b"a")

    with pytest.raises(RuntimeError), waiting.oldest():
        raise RuntimeError

    assert drain(waiting) == [b"a"]


def test_no_more_is_taken_than_there_is_room_for(tmp_path: Path) -> None:
    waiting = spool(tmp_path, most=40)

    assert [waiting.append(b"x" * 12) for _ in range(3)] == [True, True, False]
    assert waiting.is_half_full
    assert drain(waiting) == [b"x" * 12] * 2


def test_what_waits_is_for_the_user_only(tmp_path: Path) -> None:
    spool(tmp_path / "spool").append(b"a")

    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "spool", *(tmp_path / "spool").iterdir())] == [0o700, 0o600]


def test_what_a_full_disk_does_not_take_is_refused_whole_and_comes_back_never(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 100_000, "a")
    spool.append(b"one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match=r"No space left|File too large"):
            spool.append(bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.append(b"three")
    spool.close()

    with Spool(tmp_path, 100_000, "b").oldest() as frames:
        assert frames is not None
        assert list(frames) == [b"one", b"three"]
