"""Networks and layers, a file for each kind; their docstrings name the papers that they are from."""
