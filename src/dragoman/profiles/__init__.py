"""Facts about kinds of providers: one file a kind, found by their module names, with no registration elsewhere."""
