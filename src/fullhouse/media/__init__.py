"""Pictures that organizers upload."""
