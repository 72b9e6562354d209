"""What only Chat Completions knows of a request or a reply, under `extra["chat"]`; see `dialects.remainder`."""

from __future__ import annotations

from dragoman.dialects.remainder import Keeper

NAME = "chat"
"""The name of this dialect."""

_keeper = Keeper(NAME)
keep = _keeper.keep
own = _keeper.own
own_fields = _keeper.own_fields
mark = _keeper.mark
