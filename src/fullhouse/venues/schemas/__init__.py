"""Requests and answers of the venues."""
