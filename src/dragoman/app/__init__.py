"""The composition root: config in, a running gateway out. The only room that knows all the others."""
