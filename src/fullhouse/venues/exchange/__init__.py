"""Seat maps in the formats of other systems: read with a report of what is lost, and written."""
