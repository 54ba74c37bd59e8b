"""Requests and answers of the catalogue."""
