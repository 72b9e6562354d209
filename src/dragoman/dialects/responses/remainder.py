"""What only the Responses API knows of a request or a reply, under `extra["responses"]`; see `dialects.remainder`."""

from __future__ import annotations

from dragoman.dialects.remainder import Keeper

NAME = "responses"
"""The name of this dialect."""

_keeper = Keeper(NAME)
keep = _keeper.keep
put_back = _keeper.put_back
own_fields = _keeper.own_fields
mark = _keeper.mark
unmodelled = _keeper.unmodelled
