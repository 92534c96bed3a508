"""What is done to models and to the installation, and not to pictures."""
