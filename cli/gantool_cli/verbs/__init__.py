"""Verbs that need more words than their task has."""
