"""Likelihood bounds, posterior diagnostics and the evaluation report."""
