"""Requests of the routes of pictures."""

from tests.support.permissions import Caller, Estate
from tests.support.permissions_asks import Ask, Entry, Hides, asked, plain, shown
from tests.support.pictures import picture as picture_file
from tests.support.venues import picture

_SMALL = picture_file("PNG", 2, 1)


def _new_picture(estate: Estate, _caller: Caller) -> Ask:
    # Nobody else may see it, so it may carry the mark.
    fields = {"alt": estate.mark, "organizationId": estate.organization}
    return Ask(body={"file": _SMALL, **fields})


def _description(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"media_id": estate.media}, body={"alt": f"Seen by {estate.mark}"})


async def _unwanted(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"media_id": await picture(estate.connection, estate.organization)})


MEDIA: dict[str, tuple[Entry, ...]] = {
    "POST /media": (Entry(_new_picture),),
    "GET /media/{media_id:uuid}": (shown("media_id", "media", hides=Hides.DRAFTS),),
    "GET /organizer/media": (
        asked("organizationId", "organization"),
        plain(anywhere=True)[0],
    ),
    "PATCH /media/{media_id:uuid}": (Entry(_description, hides=Hides.DRAFTS),),
    "DELETE /media/{media_id:uuid}": (Entry(_unwanted, hides=Hides.DRAFTS),),
}
