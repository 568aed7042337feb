"""Methods that score classes by probabilities: attribute posteriors, mixtures of seen classes, class densities."""
