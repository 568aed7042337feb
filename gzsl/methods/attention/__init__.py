"""Methods that look at the regions of a picture."""
