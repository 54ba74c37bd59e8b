"""What the media do by themselves: make variants, and clear away what nobody needs.

Every serving process does this, one picture after another. Whoever takes a picture has it for a
while and may die: then it is somebody else's, who does all of it again in the same places.
"""

import asyncio
from datetime import timedelta

import structlog

from fullhouse.kit.clock import utc_now
from fullhouse.kit.errors import OVERLOADED, Refused
from fullhouse.kit.listener import notify
from fullhouse.media import store
from fullhouse.media.parts import Media
from fullhouse.media.pictures import Made
from fullhouse.media.rules import CONTENT_TYPES, Variant, tags_of
from fullhouse.media.storage import (
    ORIGINALS,
    StorageUnavailable,
    folder_of_variants,
    key_of_original,
    key_of_variant,
    media_of_original,
)
from fullhouse.media.store import Claim

log = structlog.get_logger(__name__)

MAKE_SECONDS = 5.0
CLEAR_SECONDS = 60.0
SWEEP_SECONDS = 3_600.0

# Longer than the work may take, so that nobody writes what another has cleared away.
_CLAIM = timedelta(seconds=150)
_LONGEST_WORK_SECONDS = 120.0
_PAUSE_AFTER_TROUBLE = timedelta(seconds=15)
_PAUSE_AFTER_END = timedelta(seconds=2)
# A picture at which so many processes died is not tried again.
_MOST_ATTEMPTS = 5
# What an upload may take from its first byte in the storage to its row.
_YOUNG = timedelta(hours=1)
_AT_ONCE = 500

LOST = "The upload is lost."
TRIED_TOO_OFTEN = "No variants could be made of it."


async def make_variants(media: Media) -> None:
    """Make the variants of every picture that waits for them."""
    while True:
        async with media.database.begin() as connection:
            claim = await store.claim_processing(connection, _CLAIM)
        if claim is None:
            return
        try:
            async with asyncio.timeout(_LONGEST_WORK_SECONDS):
                await _process(media, claim)
        except asyncio.CancelledError:
            # The server stops: another one need not wait for the claim to run out.
            await _give_back(media, claim, timedelta())
            raise
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("variants_not_made", media_id=str(claim.media_id), error=error)
            await _give_back(media, claim, _PAUSE_AFTER_TROUBLE)
            return


async def clear_deleted(media: Media) -> None:
    """Remove from the storage what it has of deleted pictures."""
    while True:
        async with media.database.begin() as connection:
            claim = await store.claim_deleted(connection, _CLAIM)
        if claim is None:
            return
        try:
            async with asyncio.timeout(_LONGEST_WORK_SECONDS):
                folder = folder_of_variants(claim.media_id)
                variants = [stored.key for stored in await media.storage.list(folder)]
                original = key_of_original(claim.media_id, claim.sha256)
                await media.storage.delete([original, *variants])
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("picture_not_cleared", media_id=str(claim.media_id), error=error)
            await _give_back(media, claim, _PAUSE_AFTER_TROUBLE)
            return
        async with media.database.begin() as connection:
            await store.note_cleared(connection, claim)


async def sweep_originals(media: Media, *, young: timedelta = _YOUNG) -> None:
    """Remove uploads that nobody needs any more: of requests and processes that died."""
    old = []
    try:
        for stored in await media.storage.list(ORIGINALS):
            media_id = media_of_original(stored.key)
            if media_id is not None and stored.modified_at <= utc_now() - young:
                old.append((media_id, stored.key))
        for start in range(0, len(old), _AT_ONCE):
            part = old[start : start + _AT_ONCE]
            async with media.database.read() as connection:
                needed = await store.processing(connection, [media_id for media_id, _ in part])
            await media.storage.delete([key for media_id, key in part if media_id not in needed])
    except StorageUnavailable as error:
        log.warning("originals_not_swept", error=error)


async def _process(media: Media, claim: Claim) -> None:
    original = key_of_original(claim.media_id, claim.sha256)
    data = await media.storage.get(original)
    reason = LOST if data is None else ""
    if claim.attempts > _MOST_ATTEMPTS:
        reason = TRIED_TOO_OFTEN
    elif data is not None:
        try:
            answer = await media.workshop.make(data)
        except Refused as refused:
            if refused.code is OVERLOADED:
                # Somebody ended the process that was at it.
                await _give_back(media, claim, _PAUSE_AFTER_END * claim.attempts, counts=True)
                return
            reason = refused.detail
        else:
            variants = [await _kept(media, claim, made) for made in answer.made]
    async with media.database.begin() as connection:
        if reason:
            log.warning("picture_failed", media_id=str(claim.media_id), reason=reason)
            done = await store.fail(connection, claim, reason)
        else:
            done = await store.finish(connection, claim, variants)
        await notify(connection, *tags_of(claim.media_id))
    if done:
        # It tells more than the variants do, and nobody needs it any more.
        await media.storage.delete([original])
    else:
        # Deleted meanwhile: what has just been written is cleared away with the rest.
        await _give_back(media, claim, timedelta())


async def _kept(media: Media, claim: Claim, made: Made) -> Variant:
    key = key_of_variant(claim.media_id, made.format, made.width)
    await media.storage.put(key, made.data, CONTENT_TYPES[made.format])
    return Variant(made.format, made.width, made.height, len(made.data), key)


async def _give_back(media: Media, claim: Claim, pause: timedelta, *, counts: bool = False) -> None:
    async with media.database.begin() as connection:
        await store.give_back(connection, claim, pause=pause, counts=counts)
