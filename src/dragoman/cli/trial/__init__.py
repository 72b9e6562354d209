"""`dragoman codex --try` and `dragoman tries`: one task with several models, each in a git worktree of its own, to be compared and kept."""
