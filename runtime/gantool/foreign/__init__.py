"""Models that others have made: looked into, described by a card, and then run like one's own."""
