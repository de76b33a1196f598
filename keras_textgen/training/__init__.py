"""Schedules, flags, run directory, callbacks and whole training runs."""
