"""All SQL of the accounts."""
