"""Making an account."""

from uuid import UUID

from fullhouse.accounts import letters
from fullhouse.accounts.commands.entering import begin_session
from fullhouse.accounts.errors import EMAIL_TAKEN, ORGANIZER_REGISTRATION_CLOSED
from fullhouse.accounts.one_time import hash_token, new_token
from fullhouse.accounts.parts import Accounts
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.rules import (
    OWNER,
    VERIFY_EMAIL_WITHIN,
    Membership,
    Profile,
    RegistrableRole,
    SignedIn,
    check_length,
    check_name,
    check_new_password,
    normalize_email,
    organization_name_for,
)
from fullhouse.accounts.sessions import Device
from fullhouse.accounts.store import organizations, proofs, users
from fullhouse.api.audit import entry_of
from fullhouse.api.permissions import ORGANIZER, PlatformRole
from fullhouse.kit.audit import Actor, record
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id


async def register(
    accounts: Accounts,
    device: Device,
    *,
    name: str,
    email: str,
    password: str,
    role: RegistrableRole,
) -> SignedIn:
    """Make an account for oneself and be signed in; an organizer gets an organization of their own.

    The address is asked to be verified by mail.
    Raises Refused: EMAIL_TAKEN, ORGANIZER_REGISTRATION_CLOSED, VALIDATION_FAILED, OVERLOADED.
    """
    if role == ORGANIZER and not accounts.organizer_registration:
        raise Refused(ORGANIZER_REGISTRATION_CLOSED)
    profile = _new_profile(name, email, role, None)
    checked = check_new_password(password, email=profile.email, name=profile.name)
    password_hash = await accounts.hasher.hash(checked)
    token = new_token()
    async with accounts.database.begin() as connection:
        if not await users.add_user(connection, profile, password_hash):
            raise Refused(EMAIL_TAKEN)
        for membership in profile.memberships:
            await organizations.add_organization(connection, profile.id, membership)
            made = entry_of(
                Actor("user", profile.id),
                "organization.created",
                "organization",
                membership.organization_id,
                organization_id=membership.organization_id,
            )
            await record(connection, made)
        await proofs.add_mail_token(
            connection,
            hash_token(token),
            profile.id,
            "verify_email",
            profile.email,
            VERIFY_EMAIL_WITHIN,
        )
        signed_in = await begin_session(accounts, connection, device, profile.id, "password")
    # It can be asked for again.
    accounts.post.tell(
        letters.verify_email(
            profile.email,
            token=token,
            good_for=VERIFY_EMAIL_WITHIN,
            public_url=accounts.post.public_url,
        )
    )
    return signed_in


async def create_user(
    database: Database,
    hasher: PasswordHasher,
    *,
    name: str,
    email: str,
    password: str,
    role: PlatformRole,
    organization_name: str | None = None,
) -> UUID:
    """Make an account of any role on the operator's behalf; answers the user's id.

    The address counts as verified, and the password is held to its length only: the demo's are
    as simple as they are public. ``organization_name`` names the organization that the user
    owns; organizers get one named after themselves when it is left out, others none.
    Raises Refused: EMAIL_TAKEN, VALIDATION_FAILED, OVERLOADED.
    """
    profile = _new_profile(name, email, role, organization_name, verified=True)
    password_hash = await hasher.hash(check_length(password))
    async with database.begin() as connection:
        if not await users.add_user(connection, profile, password_hash):
            raise Refused(EMAIL_TAKEN)
        for membership in profile.memberships:
            await organizations.add_organization(connection, profile.id, membership)
    return profile.id


def _new_profile(
    name: str,
    email: str,
    role: PlatformRole,
    organization_name: str | None,
    *,
    verified: bool = False,
) -> Profile:
    name = check_name(name)
    organization = organization_name or organization_name_for(role, name)
    joined = () if organization is None else (Membership(new_id(), organization, OWNER),)
    return Profile(
        new_id(), name, normalize_email(email), None, role, joined, email_verified=verified
    )
