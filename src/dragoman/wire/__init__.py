"""Framing and bytes: SSE, splicing of top-level JSON fields, headers. Knows no API and no neutral language."""
