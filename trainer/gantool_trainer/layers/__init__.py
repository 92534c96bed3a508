"""Networks and layers that several families share."""
