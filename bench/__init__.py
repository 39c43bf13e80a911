"""How fast Godown is, measured side by side with the same work in raw SQL: ``make bench``."""
