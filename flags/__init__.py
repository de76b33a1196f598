"""Recipes: a file of flags for each pair of a model and a data set.

The folder is installed as the package `keras_textgen.recipes`.
"""
