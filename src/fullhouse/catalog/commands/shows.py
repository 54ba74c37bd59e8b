"""Shows: making, changing and deleting them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from fullhouse.api.audit import actor_of, entry_of, note
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.organizations import organization_for
from fullhouse.api.permissions import Permission
from fullhouse.api.principal import Principal, require
from fullhouse.catalog import planning
from fullhouse.catalog.drafts import ListedShow, ShowChange, ShowDraft
from fullhouse.catalog.errors import SHOW_IN_USE
from fullhouse.catalog.store import event_listings, event_writes, show_writes
from fullhouse.catalog.store.show_writes import ShowState
from fullhouse.kit.audit import record_all
from fullhouse.kit.db import Database
from fullhouse.kit.errors import FieldError, Refused
from fullhouse.kit.listener import notify
from fullhouse.media import queries as media

# Events whose places in lists are made anew at once; older ones follow within seconds (jobs.py).
_REFRESHED_AT_ONCE = 500
_MOST_NAMED_EVENTS = 100


async def create_show(
    database: Database,
    principal: Principal,
    *,
    title: str,
    description: str,
    show: ShowDraft,
    organization_id: UUID | None = None,
) -> UUID:
    """Make a show that no event puts on yet; answers its id.

    Raises Refused: VALIDATION_FAILED, FORBIDDEN, ORGANIZATION_REQUIRED.
    """
    owner = organization_for(principal, Permission.EVENTS_WRITE, organization_id)
    planning.refuse_if(planning.show_errors(show))
    async with database.begin() as connection:
        if not await event_writes.organization_exists(connection, owner):
            # Only an admin can get here: members name organizations that exist.
            planning.refuse_if([FieldError("/organizationId", "is no organization")])
        planning.refuse_if(await image_errors(connection, show.images, owner))
        new = ListedShow(title, description, show)
        (show_id,) = await make_shows(connection, principal, owner, [new])
        await notify(connection, "events")
    return show_id


async def make_shows(
    connection: AsyncConnection,
    principal: Principal,
    organization_id: UUID,
    new: Sequence[ListedShow],
) -> list[UUID]:
    """Write shows that have been checked, and that they were made; answers their ids in order."""
    show_ids = await show_writes.insert_shows(connection, organization_id, new)
    entries = [
        entry_of(
            actor_of(principal),
            "show.created",
            "show",
            show_id,
            organization_id=organization_id,
            after={
                "title": listed.title,
                "kind": listed.show.kind,
                **({"announced": True} if listed.show.announced else {}),
            },
        )
        for show_id, listed in zip(show_ids, new, strict=True)
    ]
    await record_all(connection, entries)
    return show_ids


async def change_show(
    database: Database, principal: Principal, show_id: UUID, change: ShowChange
) -> None:
    """Change what is given; a change that changes nothing leaves no trace.

    Showtimes that exist keep their ends: a new duration counts for those made later.
    Raises Refused: NOT_FOUND, FORBIDDEN, VALIDATION_FAILED.
    """
    async with database.begin() as connection:
        state = await own_show(connection, principal, show_id)
        changed = replace(
            state,
            title=state.title if change.title is None else change.title,
            description=state.description if change.description is None else change.description,
            draft=replace(state.draft, **change.fields),
        )
        if changed == state:
            return
        planning.refuse_if(planning.show_errors(changed.draft))
        # Pictures that were taken away since they were chosen stand in nobody's way.
        added = [image for image in changed.draft.images if image not in state.draft.images]
        planning.refuse_if(await image_errors(connection, added, state.organization_id))
        await show_writes.update_show(
            connection, show_id, changed.title, changed.description, changed.draft
        )
        event_ids = await show_writes.lock_events_of(connection, show_id)
        await event_listings.refresh(connection, event_ids[-_REFRESHED_AT_ONCE:])
        before, after = _noted(state), _noted(changed)
        differing = [name for name in before if before[name] != after[name]]
        await note(
            connection,
            principal,
            "show.changed",
            "show",
            show_id,
            organization_id=state.organization_id,
            before={name: before[name] for name in differing},
            after={name: after[name] for name in differing},
        )
        changed_events = [f"event:{event_id}" for event_id in event_ids]
        await notify(connection, "events", f"show:{show_id}", *changed_events)


async def delete_show(database: Database, principal: Principal, show_id: UUID) -> None:
    """Delete a show that no event puts on any more.

    Raises Refused: NOT_FOUND, FORBIDDEN, SHOW_IN_USE.
    """
    async with database.begin() as connection:
        state = await own_show(connection, principal, show_id)
        # The show is locked, so that nobody makes an event of it meanwhile.
        live = await show_writes.live_events_of(connection, show_id, _MOST_NAMED_EVENTS)
        if live:
            raise Refused(SHOW_IN_USE, eventIds=[str(event_id) for event_id in live])
        await _delete(connection, principal, state)


async def delete_unused(connection: AsyncConnection, principal: Principal, show_id: UUID) -> None:
    """Delete a locked show that no event puts on, over or not; another stays."""
    state = await show_writes.lock_show(connection, show_id)
    if state is not None and not await show_writes.has_events(connection, show_id):
        await _delete(connection, principal, state)


async def _delete(connection: AsyncConnection, principal: Principal, state: ShowState) -> None:
    await show_writes.delete_show(connection, state.id)
    await note(
        connection,
        principal,
        "show.deleted",
        "show",
        state.id,
        organization_id=state.organization_id,
        before={"title": state.title, "kind": state.draft.kind},
    )
    await notify(connection, "events", f"show:{state.id}")


async def own_show(connection: AsyncConnection, principal: Principal, show_id: UUID) -> ShowState:
    """The show, locked, if the caller may change it. Raises Refused: NOT_FOUND, FORBIDDEN."""
    state = await show_writes.lock_show(connection, show_id)
    if state is None:
        raise Refused(NOT_FOUND)
    if not state.public and not any(
        principal.may(permission, state.organization_id)
        for permission in (Permission.EVENTS_READ, Permission.EVENTS_WRITE)
    ):
        # What others may not see must not be found out by asking to change it.
        raise Refused(NOT_FOUND)
    require(principal, Permission.EVENTS_WRITE, state.organization_id)
    return state


async def image_errors(
    connection: AsyncConnection, images: Sequence[UUID], organization_id: UUID
) -> list[FieldError]:
    """Which of the pictures the organization may not use."""
    wrong = set(await media.check_usable(connection, images, organization_id))
    return [
        FieldError(f"/images/{at}", "is no picture that the organization may use")
        for at, image in enumerate(images)
        if image in wrong
    ]


def _noted(state: ShowState) -> dict[str, Any]:
    """What the audit log keeps of a show: of texts and people only how much there is."""
    draft = state.draft
    return {
        "title": state.title,
        "descriptionLength": len(state.description),
        "castSize": len(draft.cast),
        "trailers": list(draft.trailers),
        "images": list(draft.images),
        **{shown: getattr(draft, name) for name, shown in _PLAIN.items()},
    }


_PLAIN = {
    "kind": "kind",
    "duration_minutes": "durationMinutes",
    "genre": "genre",
    "language": "language",
    "age_rating": "ageRating",
    "released_on": "releasedOn",
    "ends_on": "endsOn",
    "announced": "announced",
}
