"""What organizers do with the catalogue: one function for each intention."""
