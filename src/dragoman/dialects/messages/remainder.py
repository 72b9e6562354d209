"""What only the Messages API knows of a request or a reply, under `extra["messages"]`; see `dialects.remainder`."""

from __future__ import annotations

from dragoman.dialects.remainder import Keeper

NAME = "messages"
"""The name of this dialect."""

_keeper = Keeper(NAME)
keep = _keeper.keep
own = _keeper.own
own_fields = _keeper.own_fields
mark = _keeper.mark
unmodelled = _keeper.unmodelled
