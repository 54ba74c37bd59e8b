"""Tools without a domain noun: what any part may use and what knows no other part."""
