"""Methods that compare features and class vectors in one space."""
