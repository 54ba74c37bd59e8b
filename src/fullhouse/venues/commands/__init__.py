"""What organizers do with venues: one function for each intention."""
