"""`make demo`: a generated shop, and a tour of syncd keeping a search index in step with it. Nothing here is part of the daemon."""
