"""What every method must do, as plain functions: run by the project's tests, and by ``gzsl check`` on a user's own."""

from gzsl.conformance.checks import CHECKS, Outcome, check_method, checks_of
from gzsl.conformance.subject import Bench, CheckFailed, Subject

__all__ = ["CHECKS", "Bench", "CheckFailed", "Outcome", "Subject", "check_method", "checks_of"]
