"""Several fits at once: those that agree in shapes are trained as one model."""

from gzsl.methods.stacked.fits import Fit, Outcome, can_stack, may_differ, pays
from gzsl.methods.stacked.together import fit_seeds, fit_together

__all__ = ["Fit", "Outcome", "can_stack", "fit_seeds", "fit_together", "may_differ", "pays"]
