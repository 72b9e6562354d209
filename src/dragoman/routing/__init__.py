"""Decisions about where a request goes. Pure: no I/O, clock or randomness; such things come in as arguments."""
