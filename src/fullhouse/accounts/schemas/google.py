"""Requests and answers of signing in with Google."""

from typing import Annotated

from msgspec import Meta

from fullhouse.accounts.schemas.entering import PasswordAgain
from fullhouse.api.schemas import Body, View


class GoogleLinkBody(Body):
    """The password, again, and the path on this site where the browser shall end up."""

    password: PasswordAgain = None
    return_to: Annotated[
        Annotated[str, Meta(max_length=1_024, examples=["/account"])] | None,
        Meta(description="Path on this site where the browser ends up; / for anything else."),
    ] = None


class GoogleLinkView(View):
    """Where to send the browser, this very one: it has been given a cookie to come back with."""

    url: str
