"""Requests of the routes of the accounts."""

from fullhouse.api.permissions import Permission
from tests.support.people import PASSWORD
from tests.support.permissions import (
    Caller,
    Estate,
    new_mail_token,
    new_refresh_cookie,
    new_session,
)
from tests.support.permissions_asks import (
    Ask,
    Entry,
    Hides,
    asked,
    fresh_email,
    fresh_phone,
    inside,
    plain,
)

_P = Permission


async def _reset(estate: Estate, caller: Caller) -> Ask:
    owner = caller if caller.email else await estate.person()
    token = await new_mail_token(estate.connection, owner, "reset_password")
    return Ask(body={"token": token, "password": PASSWORD})


async def _verify(estate: Estate, caller: Caller) -> Ask:
    owner = caller if caller.email else await estate.person()
    return Ask(body={"token": await new_mail_token(estate.connection, owner, "verify_email")})


async def _refresh(estate: Estate, _caller: Caller) -> Ask:
    cookie = await new_refresh_cookie(estate.connection, (await estate.person()).id)
    return Ask(headers={"Cookie": cookie, "X-Requested-With": "test"})


async def _own_session(estate: Estate, caller: Caller) -> Ask:
    return Ask({"session_id": await new_session(estate.connection, caller.id)})


async def _foreign_session(estate: Estate, _caller: Caller) -> Ask:
    person = await estate.person()
    return Ask({"session_id": await new_session(estate.connection, person.id)})


async def _user(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"user_id": (await estate.person()).id})


async def _changed_user(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"user_id": (await estate.person()).id}, body={"disabled": True})


async def _user_session(estate: Estate, _caller: Caller) -> Ask:
    person = await estate.person()
    session = await new_session(estate.connection, person.id)
    return Ask({"user_id": person.id, "session_id": session})


async def _member(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"organization_id": estate.organization, "user_id": await estate.new_member()})


async def _member_role(estate: Estate, _caller: Caller) -> Ask:
    path = {"organization_id": estate.organization, "user_id": await estate.new_member()}
    return Ask(path, body={"role": "editor"})


async def _invitation(estate: Estate, _caller: Caller) -> Ask:
    invitation, _ = await estate.new_invitation()
    return Ask({"organization_id": estate.organization, "invitation_id": invitation})


async def _accepted(estate: Estate, caller: Caller) -> Ask:
    _, token = await estate.new_invitation(caller.email or fresh_email())
    return Ask(body={"token": token})


async def _key(estate: Estate, _caller: Caller) -> Ask:
    key, _ = await estate.new_key()
    return Ask({"organization_id": estate.organization, "key_id": key})


def _of(estate: Estate, _caller: Caller) -> Ask:
    return Ask({"organization_id": estate.organization})


def _log(estate: Estate, _caller: Caller) -> Ask:
    who = {"actorId": estate.owner.id, "objectId": estate.organization}
    return Ask({"organization_id": estate.organization}, query=who)


_NO_GOOGLE = frozenset({"google_not_configured"})
_NO_FACTOR = frozenset({"second_factor_absent"})
_WRONG_CODE = frozenset({"code_wrong"})

ACCOUNTS: dict[str, tuple[Entry, ...]] = {
    "POST /auth/register": (
        Entry(
            lambda _e, _c: Ask(body={"name": "New", "email": fresh_email(), "password": PASSWORD})
        ),
    ),
    "POST /auth/login": (
        Entry(lambda e, _c: Ask(body={"email": e.resident, "password": PASSWORD})),
    ),
    "POST /auth/refresh": (Entry(_refresh),),
    "POST /auth/logout": (Entry(_refresh),),
    "GET /auth/me": plain(),
    "GET /auth/sessions": plain(),
    "DELETE /auth/sessions/{session_id:uuid}": (
        Entry(_own_session, public=True),
        Entry(_foreign_session, closed=True, hides=Hides.FROM_ALL),
    ),
    "DELETE /auth/sessions": plain(),
    "POST /auth/password/forgot": (Entry(lambda _e, _c: Ask(body={"email": fresh_email()})),),
    "POST /auth/password/reset": (Entry(_reset),),
    "POST /auth/password/change": plain({"password": PASSWORD}),
    "POST /auth/email/verify": (Entry(_verify),),
    "POST /auth/email/send": plain(),
    "POST /auth/second-factor": plain({}),
    "POST /auth/second-factor/confirm": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "POST /auth/second-factor/recovery-codes": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "DELETE /auth/second-factor": plain({"code": "123456"}, refusals=_NO_FACTOR),
    "POST /auth/second-factor/verify": plain(
        {"challenge": "none", "code": "123456"}, refusals=_WRONG_CODE
    ),
    "POST /auth/otp/request": (
        Entry(lambda _e, _c: Ask(body={"phone": fresh_phone()}), for_people=True),
    ),
    "POST /auth/otp/verify": (
        Entry(
            lambda estate, _c: Ask(
                body={"phone": fresh_phone(), "code": "123456", "requestId": estate.booking}
            ),
            for_people=True,
            public=True,
            refusals=_WRONG_CODE,
        ),
    ),
    "DELETE /users/me/phone": plain({}),
    "GET /auth/google": plain(refusals=_NO_GOOGLE),
    "GET /auth/google/callback": plain(refusals=_NO_GOOGLE),
    "POST /auth/google/link": plain({}, refusals=_NO_GOOGLE),
    "DELETE /auth/google": plain({}, refusals=_NO_GOOGLE),
    "GET /users/me": plain(),
    "PATCH /users/me": plain({"language": "de-CH"}),
    "POST /users/me/email": (Entry(lambda _e, _c: Ask(body={"email": fresh_email()})),),
    "GET /users/me/export": plain(),
    "DELETE /users/me": plain({}),
}

ORGANIZATIONS: dict[str, tuple[Entry, ...]] = {
    "GET /organizations": plain(),
    "POST /organizations": plain({"name": "Another House"}),
    "GET /organizations/{organization_id:uuid}": (inside(_of),),
    "PATCH /organizations/{organization_id:uuid}": (
        inside(lambda e, _c: Ask({"organization_id": e.organization}, body={"name": e.mark})),
    ),
    # It has sold something: whoever may close it is told so.
    "DELETE /organizations/{organization_id:uuid}": (
        inside(_of, refusals=frozenset({"organization_has_sales"})),
    ),
    "GET /organizations/{organization_id:uuid}/members": (inside(_of),),
    "PATCH /organizations/{organization_id:uuid}/members/{user_id:uuid}": (inside(_member_role),),
    "DELETE /organizations/{organization_id:uuid}/members/{user_id:uuid}": (inside(_member),),
    "DELETE /organizations/{organization_id:uuid}/membership": (
        Entry(_of, members=True, hides=Hides.FROM_ALL),
    ),
    "GET /organizations/{organization_id:uuid}/invitations": (inside(_of),),
    "POST /organizations/{organization_id:uuid}/invitations": (
        inside(
            lambda e, _c: Ask(
                {"organization_id": e.organization}, body={"email": fresh_email(), "role": "viewer"}
            )
        ),
    ),
    "DELETE /organizations/{organization_id:uuid}/invitations/{invitation_id:uuid}": (
        inside(_invitation),
    ),
    "POST /invitations/accept": (Entry(_accepted, refusals=frozenset({"already_member"})),),
    "GET /organizations/{organization_id:uuid}/api-keys": (inside(_of),),
    "POST /organizations/{organization_id:uuid}/api-keys": (
        inside(
            lambda e, _c: Ask(
                {"organization_id": e.organization}, body={"name": e.mark, "scopes": ["check-in"]}
            )
        ),
    ),
    "DELETE /organizations/{organization_id:uuid}/api-keys/{key_id:uuid}": (inside(_key),),
    "GET /organizations/{organization_id:uuid}/audit-log": (inside(_of), inside(_log)),
    "GET /admin/audit-log": (
        plain()[0],
        asked("organizationId", "organization"),
        Entry(lambda e, _c: Ask(query={"actorId": e.owner.id, "objectId": e.organization})),
    ),
    "GET /admin/users": plain(),
    "GET /admin/users/{user_id:uuid}": (Entry(_user),),
    "PATCH /admin/users/{user_id:uuid}": (Entry(_changed_user),),
    "GET /admin/users/{user_id:uuid}/sessions": (Entry(_user),),
    "DELETE /admin/users/{user_id:uuid}/sessions": (Entry(_user),),
    "DELETE /admin/users/{user_id:uuid}/sessions/{session_id:uuid}": (Entry(_user_session),),
}
