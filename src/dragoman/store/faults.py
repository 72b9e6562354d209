"""What can be wrong with a database, in two kinds: it is away and will be back, or it will never do.

And what can be wrong with one question or one row.
"""

from __future__ import annotations


class StoreRefused(Exception):
    """The database cannot be used as it is: a newer release's, somebody else's tables, no rights. Trying again is of no use."""


class StoreAway(Exception):
    """The database cannot be reached, is full, or busy for long: what was to be written is still to be written."""


class StoreSlow(Exception):
    """A question took longer than it may, or whoever asked it has left: it was ended. The database is well."""


class RowRefused(Exception):
    """The database is well and takes the rows for wrong, as a text with a letter that it does not know. Trying again is of no use."""
