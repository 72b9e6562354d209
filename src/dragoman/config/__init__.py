"""Settings: their shape, where they are found, how they are read and checked. Nothing here starts anything."""
