"""Fixtures of the tests of several runs."""

from tests.tasks.several.fake import given, program

__all__ = ["given", "program"]
