"""All SQL of the catalogue, by what it is about. Nothing here commits."""

from fullhouse.catalog.store.terms import load_sale_terms

__all__ = ["load_sale_terms"]
