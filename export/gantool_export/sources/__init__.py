"""Where generators come from, a module each."""
