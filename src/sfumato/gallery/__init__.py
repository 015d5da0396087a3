"""One page with everything that was built, for people: `collect` finds it, `page` writes it."""
