"""What permissions mean: which acts they are about, what follows from several of them, and how they are said without allowing more."""
