"""Signing in with an account elsewhere, through OpenID Connect."""

from fullhouse.adapters.oauth.google import GOOGLE_ISSUER, Google

__all__ = ["GOOGLE_ISSUER", "Google"]
