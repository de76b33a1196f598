"""Prints the lower end of every range in setup.py, as constraints for pip.

keras-textgen has to be installed, without its dependencies.
"""

import importlib.metadata
import re

for requirement in importlib.metadata.requires("keras-textgen"):
    name, version = re.match(r"([\w-]+).*>=([\d.]+)", requirement).groups()
    print(f"{name}=={version}")
