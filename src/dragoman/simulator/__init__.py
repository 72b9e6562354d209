"""A stand-in for model providers: speaks their dialects, follows scripts, and fails on demand. A program of its own beside the gateway."""
