"""Files that say what made them, and what is read from them alone."""
