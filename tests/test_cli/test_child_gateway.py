"""A gateway of our own for a while."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dragoman.cli.child import child_gateway
from dragoman.cli.gateway import Sight, look_at

pytestmark = pytest.mark.server


@pytest.mark.parametrize("is_writable", [True, False])
def test_its_log_is_written_wherever_one_can_be(is_writable: bool, tmp_path: Path) -> None:
    state, temporary = tmp_path / "state", tmp_path / "temporary"
    temporary.mkdir()
    if not is_writable:
        state.write_text("a file")
    (tmp_path / "dragoman.yaml").write_text("providers: {demo: {kind: demo}}\ndatabase: none\n")
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(state), "XDG_DATA_HOME": str(tmp_path / "data")}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(temporary))
        with child_gateway(env, run="run1", config=str(tmp_path / "dragoman.yaml")) as child:
            seen = look_at(child.address).sight

    assert (seen, child.log.parent) == (Sight.GATEWAY, state / "dragoman" if is_writable else temporary)
    assert "dragoman: stopped" in child.log.read_text()
