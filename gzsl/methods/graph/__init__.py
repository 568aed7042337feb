"""Methods that read class vectors off a graph of classes, or put classes into a classifier that is there already."""
