"""What people do with their accounts: one function for each intention."""

from uuid import UUID

from fullhouse.accounts import store
from fullhouse.accounts.errors import (
    EMAIL_TAKEN,
    INVALID_CREDENTIALS,
    ORGANIZER_REGISTRATION_CLOSED,
)
from fullhouse.accounts.passwords import PasswordHasher
from fullhouse.accounts.rules import (
    OWNER,
    Membership,
    Profile,
    RegistrableRole,
    Role,
    SignedIn,
    check_name,
    check_new_password,
    normalize_email,
    normalize_password,
    organization_name_for,
)
from fullhouse.accounts.tokens import AccessTokens
from fullhouse.api.principal import ORGANIZER
from fullhouse.kit.db import Database
from fullhouse.kit.errors import Refused
from fullhouse.kit.ids import new_id


async def register(
    database: Database,
    hasher: PasswordHasher,
    tokens: AccessTokens,
    *,
    name: str,
    email: str,
    password: str,
    role: RegistrableRole,
    organizer_registration: bool,
) -> SignedIn:
    """Make an account for oneself and be signed in; an organizer gets an organization of their own.

    Raises Refused: EMAIL_TAKEN, ORGANIZER_REGISTRATION_CLOSED, VALIDATION_FAILED, OVERLOADED.
    """
    if role == ORGANIZER and not organizer_registration:
        raise Refused(ORGANIZER_REGISTRATION_CLOSED)
    profile = await _create(database, hasher, name=name, email=email, password=password, role=role)
    return _sign_in(tokens, profile)


async def create_user(
    database: Database,
    hasher: PasswordHasher,
    *,
    name: str,
    email: str,
    password: str,
    role: Role,
    organization_name: str | None = None,
) -> UUID:
    """Make an account of any role on the operator's behalf; answers the user's id.

    ``organization_name`` names the organization that the user owns; organizers get one named
    after themselves when it is left out, others none.
    Raises Refused: EMAIL_TAKEN, VALIDATION_FAILED, OVERLOADED.
    """
    profile = await _create(
        database,
        hasher,
        name=name,
        email=email,
        password=password,
        role=role,
        organization_name=organization_name,
    )
    return profile.id


async def log_in(
    database: Database, hasher: PasswordHasher, tokens: AccessTokens, *, email: str, password: str
) -> SignedIn:
    """Prove with a password who one is.

    An unknown address takes as long and is answered the same as a wrong password (ASVS 6.3.8).
    Raises Refused: INVALID_CREDENTIALS, OVERLOADED.
    """
    async with database.read() as connection:
        found = await store.find_credentials(connection, _address_or_nobody(email))
    user_id, known_hash = found or (None, None)
    # No connection is held while the hash is computed.
    fits, newer_hash = await hasher.verify_and_update(normalize_password(password), known_hash)
    if not fits or user_id is None or known_hash is None:
        raise Refused(INVALID_CREDENTIALS)
    async with database.begin() as connection:
        if newer_hash is not None:
            await store.replace_password_hash(connection, user_id, known_hash, newer_hash)
        profile = await store.find_profile(connection, user_id)
    if profile is None:
        raise Refused(INVALID_CREDENTIALS)
    return _sign_in(tokens, profile)


async def _create(
    database: Database,
    hasher: PasswordHasher,
    *,
    name: str,
    email: str,
    password: str,
    role: Role,
    organization_name: str | None = None,
) -> Profile:
    name = check_name(name)
    organization = organization_name or organization_name_for(role, name)
    joined = () if organization is None else (Membership(new_id(), organization, OWNER),)
    profile = Profile(new_id(), name, normalize_email(email), None, role, joined)
    password_hash = await hasher.hash(check_new_password(password))
    async with database.begin() as connection:
        if not await store.add_user(connection, profile, password_hash):
            raise Refused(EMAIL_TAKEN)
        for membership in joined:
            await store.add_organization(connection, profile.id, membership)
    return profile


def _sign_in(tokens: AccessTokens, profile: Profile) -> SignedIn:
    return SignedIn(profile, tokens.issue(profile.id), tokens.lifetime_seconds)


def _address_or_nobody(email: str) -> str:
    """The address as it would be kept; what cannot be one is nobody's, and that costs the same."""
    try:
        return normalize_email(email)
    except Refused:
        return ""
