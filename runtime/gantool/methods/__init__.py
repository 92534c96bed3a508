"""How results come about that are more than one run of a network."""
