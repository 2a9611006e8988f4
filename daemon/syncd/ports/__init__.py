"""What the rooms of the house promise each other. Nobody inherits from a port; the docstrings are the contract."""
