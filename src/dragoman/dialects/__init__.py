"""Pure translators between `ir` and the calls of one public API each. One folder a dialect, the same file names in each."""
