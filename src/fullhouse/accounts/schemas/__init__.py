"""Requests and answers of the accounts."""
