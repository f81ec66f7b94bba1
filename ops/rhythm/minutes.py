"""How long a card took, counted honestly. Pure."""

LONGEST_MINUTES = 60.0
"""A card that seems longer was a forgotten page."""


def counted_minutes(elapsed_s: float, away_s: float, cap: float = LONGEST_MINUTES) -> float:
    """The minutes of a card that was `elapsed_s` seconds open, of which nobody was at the page for `away_s`: what is
    left, 0 to `cap`, to a hundredth. More away than elapsed, or less than nothing, is what a wrong clock says."""
    elapsed = max(0.0, elapsed_s)
    away = min(max(0.0, away_s), elapsed)
    return min(cap, round((elapsed - away) / 60, 2))
