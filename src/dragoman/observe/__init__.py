"""What is seen of exchanges while they run: a line on the terminal, sums per run."""
