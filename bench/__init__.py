"""Dragoman's benchmark: CPU, latency and memory beside nginx, before a stand-in provider in C. Run by `make bench`."""
