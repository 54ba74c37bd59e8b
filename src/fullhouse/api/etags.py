"""Entity tags: whether a client has an answer already."""


def names_etag(if_none_match: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this entity tag (RFC 9110 §13.1.2: weak comparison)."""
    if if_none_match is None:
        return False
    if if_none_match in (etag, "*"):
        return True
    return any(one.strip().removeprefix("W/") == etag for one in if_none_match.split(","))
