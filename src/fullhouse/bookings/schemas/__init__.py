"""Requests and answers about bookings."""
