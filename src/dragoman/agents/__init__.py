"""Facts about client programs: one file each. Recognition, session ids, error dressing, metadata to strip."""
