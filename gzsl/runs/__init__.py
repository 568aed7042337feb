"""Recipes, and their execution into folders that are complete or resumable."""

from gzsl.runs.find import find_recipe, list_recipes
from gzsl.runs.recipe import Recipe, load_recipe
from gzsl.runs.result import RunResult, to_frame
from gzsl.runs.run import Run, run_recipe

__all__ = ["Recipe", "Run", "RunResult", "find_recipe", "list_recipes", "load_recipe", "run_recipe", "to_frame"]
