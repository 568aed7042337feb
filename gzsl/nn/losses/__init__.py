"""Loss terms, one file a family."""
