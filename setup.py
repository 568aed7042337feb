"""Metadata is in setup.cfg; this maps the folders of recipes, split facts and studies into the installed package."""

from setuptools import find_packages, setup

SHIPPED = {"gzsl.configs": "configs", "gzsl.data_splits": "data_splits", "gzsl.experiments": "experiments"}

setup(
    packages=[*find_packages(include=["gzsl", "gzsl.*"]), *SHIPPED],
    package_dir=SHIPPED,
    package_data={
        "gzsl": ["py.typed"],
        "gzsl.report": ["published.csv", "templates/*"],
        "gzsl.data.embedded": ["letters.png"],
        **dict.fromkeys(SHIPPED, ["*.yaml", "*/*.yaml"]),
    },
)
