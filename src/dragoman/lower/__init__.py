"""Fits a request to what a target can do, once, between the dialects: `lower(request, capabilities) -> (request, restore)`."""
