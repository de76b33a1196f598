"""Fixtures of the conformance checks."""

import contextlib

import keras
import pytest


@pytest.fixture
def dtype_policy():
    """A context in which layers are made with a precision."""

    @contextlib.contextmanager
    def policy(name):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(name)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    return policy
