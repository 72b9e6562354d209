"""The peers beside nginx and Dragoman: other gateways, each in an environment of its own under .peers/. Run by `make bench-peers`."""
