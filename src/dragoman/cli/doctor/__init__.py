"""`dragoman doctor`: why this machine's Codex does or does not reach the gateway, and what to type."""
