"""`dragoman codex`: the installed Codex, run against a gateway without touching a file of the user's."""
