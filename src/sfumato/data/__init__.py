"""Images from packages, from IDX files and from folders."""
