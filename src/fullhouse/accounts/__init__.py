"""Who somebody is and for which organization they act: users, organizations, members, tokens."""
