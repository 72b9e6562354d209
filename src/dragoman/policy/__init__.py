"""Decisions about who may ask, and how much."""
