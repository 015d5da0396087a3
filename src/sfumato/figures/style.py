"""Colours and sizes that the figures share."""

BLUE, GREY = "#3b6ea5", "#9a9a9a"
SMALL, MEDIUM = 8, 10
"""Font sizes in points: of labels, and of titles."""
