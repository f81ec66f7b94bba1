"""The cadences and triggers of a practice."""
