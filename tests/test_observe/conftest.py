"""Databases for the tests of this room."""

from tests.databases import postgres, url

__all__ = ["postgres", "url"]
