"""The exchange: one client request and everything that comes of it. The one hot path, top to bottom in `handle`."""
