"""What could be published as libraries: knows no noun of syncd and imports the standard library alone."""
