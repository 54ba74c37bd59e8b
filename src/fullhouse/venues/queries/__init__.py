"""Reads of the venues."""
