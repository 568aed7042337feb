"""Methods that learn from rows of the test classes, without their labels."""
