"""Measures Fullhouse against what limits it on the same machine: ``python -m bench``."""
