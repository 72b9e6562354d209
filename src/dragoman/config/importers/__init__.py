"""Reads the configuration of other gateways and writes it as a dragoman.yaml, with a list of what has no counterpart."""
