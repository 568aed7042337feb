"""Methods that synthesise features of unseen classes and train a classifier on them."""
