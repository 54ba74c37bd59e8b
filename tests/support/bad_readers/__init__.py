"""Programs in the place of the one that reads pictures, each broken in one way."""
