"""Weights that others have trained: read from their files, and put into networks of gantool's own."""
