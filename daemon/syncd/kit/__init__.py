"""What could be published as libraries: knows no noun of syncd. All but `documents`, which edits with parsers, needs no package."""
