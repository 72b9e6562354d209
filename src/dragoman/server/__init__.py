"""Inbound HTTP: limits on the wire, who may ask, and the table from path to handler. What an exchange does is `core`'s affair."""
