"""Seat maps as pictures: SVG without scripts, styles, and anything from elsewhere."""
