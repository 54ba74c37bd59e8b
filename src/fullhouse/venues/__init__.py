"""Where it happens: venues, their halls, and the immutable versions of a hall's seat map."""
