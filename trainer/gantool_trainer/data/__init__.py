"""What networks learn from: folders looked through, and samples drawn of them."""
