"""The `gantool` command."""
