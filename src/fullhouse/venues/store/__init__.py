"""All SQL of the venues. Nothing here commits."""
