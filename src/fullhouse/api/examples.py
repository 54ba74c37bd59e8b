"""One good body for each route that takes one, shown in the interactive reference.

By the name of the schema. ``tests/contract/test_docs.py`` holds them complete and acceptable.
"""

from typing import Any, Final

_PASSWORD = "correct horse battery"
_TOKEN = "the token of the mail's link"

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "RegisterBody": {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "password": "correct horse battery",
        "role": "USER",
    },
    "LoginBody": {"email": "buyer@test.com", "password": "Buyer123!"},
    "ForgotPasswordBody": {"email": "ada@example.com"},
    "ResetPasswordBody": {"token": _TOKEN, "password": "correct horse battery"},
    "ChangePasswordBody": {"password": "battery horse correct", "currentPassword": _PASSWORD},
    "VerifyEmailBody": {"token": _TOKEN},
    "ChangeEmailBody": {"email": "ada@example.org", "password": _PASSWORD},
    "PasswordBody": {"password": _PASSWORD},
    "ConfirmSecondFactorBody": {"code": "123456"},
    "ProvenCodeBody": {"code": "123456", "password": _PASSWORD},
    "VerifySecondFactorBody": {"challenge": "eyJ…", "code": "123456"},
    "RequestPhoneCodeBody": {"phone": "+41791234567"},
    "VerifyPhoneCodeBody": {"phone": "+41791234567", "code": "123456"},
    "GoogleLinkBody": {"password": _PASSWORD, "returnTo": "/account"},
    "ProfileBody": {"name": "Ada King", "language": "en", "timezone": "Europe/London"},
    "DeleteAccountBody": {"password": _PASSWORD},
    "OrganizationBody": {"name": "Odeon"},
    "RoleBody": {"role": "manager"},
    "InvitationBody": {"email": "grace@example.com", "role": "box_office"},
    "AcceptInvitationBody": {"token": _TOKEN},
    "ApiKeyBody": {"name": "Website", "scopes": ["events:read"]},
    "AdminUserBody": {"role": "ORGANIZER"},
    "VenueBody": {
        "name": "Old Mill",
        "city": "Zurich",
        "country": "CH",
        "timezone": "Europe/Zurich",
    },
    "HallBody": {"name": "Great Hall"},
    "SeatMapBody": {"template": "grid", "rows": 10, "seatsPerRow": 12, "section": "Stalls"},
    "EventBody": {
        "title": "My Gig",
        "currency": "EUR",
        "location": "Backyard",
        "startsAt": "2027-01-01T20:00:00Z",
        "publish": True,
        "categories": [{"name": "Entry", "price": {"amount": 1_500}, "capacity": 100}],
    },
    "ShowtimeBody": {"startsAt": "2027-01-02T20:00:00Z"},
    "BookingRequest": {
        "showtimeId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d11",
        "items": [{"categoryId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d12", "quantity": 2}],
    },
    "BestSeatsRequest": {"quantity": 2},
    "SeatsRequest": {"seats": ["A-1", "A-2"]},
    "AllotmentRequest": {"capacity": 120},
}

PROBLEM: Final[dict[str, Any]] = {
    "type": "/docs/errors#validation_failed",
    "title": "Unprocessable Entity",
    "status": 422,
    "code": "validation_failed",
    "detail": "The request holds a value that cannot be accepted.",
    "remedy": "Correct the fields named in errors; unknown fields are refused too.",
    "requestId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d11",
    "errors": [{"pointer": "/items/0/quantity", "detail": "must be at least 1 and at most 1000"}],
}
