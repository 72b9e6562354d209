"""Recorded exchanges of the dialects put through everything that the gateway does with one: `make corpus` runs it over recordings,
`test_goldens.py` over the goldens of this repository."""
