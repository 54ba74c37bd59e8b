"""Who may do what to whom in an organization: decisions on plain values."""

from collections.abc import Mapping
from uuid import UUID

from fullhouse.accounts.errors import LAST_OWNER
from fullhouse.accounts.rules import MANAGER, OWNER
from fullhouse.api.errors import FORBIDDEN, NOT_FOUND
from fullhouse.api.permissions import ADMIN, OF_MEMBER, OF_PLATFORM_ROLE, MemberRole, Permission
from fullhouse.api.principal import Principal, require
from fullhouse.kit.errors import Refused

# Lists of these are answered whole, so each has an end.
MOST_MEMBERS = 1_000
MOST_INVITATIONS = 200
MOST_KEYS = 100

# Who leads is chosen by owners alone: a manager could else make a friend owner, or be rid of one.
_LEADING = frozenset({OWNER, MANAGER})


def check_part(principal: Principal, permission: Permission, organization_id: UUID) -> None:
    """Refuse whoever has not the permission in this organization.

    Raises Refused: FORBIDDEN for members and keys of it, NOT_FOUND for those who have no part in
    it and need not know that it exists; SECOND_FACTOR_NEEDED for administrators who lack it.
    """
    if principal.may(permission, organization_id):
        return
    if principal.key is not None:
        has_part = principal.key.organization_id == organization_id
    else:
        has_part = organization_id in principal.memberships
    if not has_part and not principal.lacks_second_factor:
        raise Refused(NOT_FOUND)
    require(principal, permission, organization_id)


def check_appointment(acting: MemberRole | None, role: MemberRole, *, is_admin: bool) -> None:
    """Refuse with FORBIDDEN whoever may not give, change or take this role.

    Args:
        acting: the caller's own role in the organization, if any.
        is_admin: whether the caller is an administrator, who may give every role.
    """
    if role in _LEADING and acting != OWNER and not is_admin:
        raise Refused(FORBIDDEN, "Only an owner decides who is owner or manager.")


def may_invite(platform_role: str, member_role: MemberRole | None, role: MemberRole) -> bool:
    """Whether somebody with these roles of their own may invite others to this one."""
    of_both = OF_PLATFORM_ROLE.get(platform_role, frozenset()) | OF_MEMBER.get(
        member_role or "", frozenset()
    )
    leads = member_role == OWNER or platform_role == ADMIN
    return Permission.MEMBERS_WRITE in of_both and (leads or role not in _LEADING)


def check_change(
    roles: Mapping[UUID, MemberRole],
    *,
    acting_id: UUID,
    is_admin: bool,
    user_id: UUID,
    role: MemberRole | None,
) -> None:
    """Refuse a change of a member's role, or their removal (``role`` None), that may not be.

    Whoever acts has the permission for it, or is the member: that has been checked.
    Raises Refused: NOT_FOUND for no member, FORBIDDEN, LAST_OWNER.
    """
    before = roles.get(user_id)
    if before is None:
        raise Refused(NOT_FOUND)
    if acting_id != user_id:
        for touched in (before, role or before):
            check_appointment(roles.get(acting_id), touched, is_admin=is_admin)
    elif role is not None and not is_admin and not OF_MEMBER[role] <= OF_MEMBER[before]:
        # Stepping down is everybody's right.
        raise Refused(FORBIDDEN, "Nobody raises their own role.")
    others = any(held == OWNER for member, held in roles.items() if member != user_id)
    if before == OWNER and role != OWNER and not others:
        raise Refused(LAST_OWNER)
