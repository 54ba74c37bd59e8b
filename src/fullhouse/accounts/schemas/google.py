"""Requests and answers of signing in with Google."""

from typing import Annotated

from msgspec import Meta

from fullhouse.accounts.schemas.entering import AnyPassword
from fullhouse.api.schemas import Body, View


class GoogleLinkBody(Body):
    """The password, again, and the path on this site where the browser shall end up."""

    password: AnyPassword | None = None
    return_to: Annotated[str, Meta(max_length=1_024, examples=["/account"])] | None = None


class GoogleLinkView(View):
    """Where to send the browser, this very one: it has been given a cookie to come back with."""

    url: str
