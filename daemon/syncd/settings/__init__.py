"""What an operator writes: sections, secrets by reference, and the loading of both with every problem at once."""
