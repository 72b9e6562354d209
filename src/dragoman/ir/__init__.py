"""The neutral language: a request, a stream of events, usage and errors. Pure values; no I/O, no clock, no provider."""
