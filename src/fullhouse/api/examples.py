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
    "VenuePatchBody": {
        "address": "12 Mill Lane",
        "coordinates": {"latitude": 47.3769, "longitude": 8.5417},
        "amenities": ["Cloakroom", "Parking"],
        "houseRules": "<p>Doors close when the play begins.</p>",
        "cleaningMinutes": 20,
        "holdSeconds": None,
    },
    "HallBody": {"name": "Great Hall"},
    "HallPatchBody": {"cleaningMinutes": 30},
    "SeatMapBody": {"template": "grid", "rows": 10, "seatsPerRow": 12, "section": "Stalls"},
    "SeatMapImportBody": {
        "format": "pretix",
        "document": {
            "name": "Club",
            "size": {"width": 200, "height": 100},
            "categories": [{"name": "Seats", "color": "#7f9ccb"}],
            "zones": [
                {
                    "name": "Floor",
                    "position": {"x": 0, "y": 0},
                    "rows": [
                        {
                            "row_number": "A",
                            "position": {"x": 0, "y": 0},
                            "seats": [
                                {
                                    "seat_guid": "floor-a-1",
                                    "seat_number": "1",
                                    "position": {"x": 50, "y": 50},
                                    "category": "Seats",
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    },
    "EventBody": {
        "title": "My Gig",
        "currency": "EUR",
        "location": "Backyard",
        "startsAt": "2037-01-01T20:00:00Z",
        "publish": True,
        "categories": [{"name": "Entry", "price": {"amount": 1_500}, "capacity": 100}],
    },
    "ShowBody": {
        "kind": "movie",
        "title": "The Last Lighthouse",
        "durationMinutes": 118,
        "releasedOn": "2027-03-01",
        "cast": [{"name": "Ada Moll", "role": "The keeper"}],
        "trailers": ["https://video.example/watch?v=1"],
    },
    "ShowPatchBody": {"endsOn": "2027-06-30", "genre": None},
    "EventPatchBody": {
        "title": "My Second Gig",
        "salesCloseAt": None,
        "policy": {"maxPerUser": 4, "fee": {"percent": 2.5}},
    },
    "DuplicateBody": {"title": "My Third Gig", "shiftDays": 7},
    "CategoryBody": {"name": "Balcony", "price": {"amount": 2_500}, "capacity": 40},
    "CategoryPatchBody": {"price": {"amount": 3_000}, "rank": 0},
    "ShowtimeBody": {"startsAt": "2027-01-02T20:00:00Z"},
    "ShowtimeChangeBody": {"startsAt": "2027-01-02T21:00:00Z"},
    "GenerateBody": {
        "from": "2027-01-04",
        "to": "2027-01-31",
        "times": ["14:00", "20:15"],
        "durationMinutes": 130,
        "weekdays": ["FR", "SA", "SU"],
        "daysOff": ["2027-01-10"],
    },
    "SeriesBody": {
        "from": "2027-01-04",
        "times": ["19:30"],
        "repeat": {"every": "week", "interval": 2, "weekdays": ["TH"], "count": 10},
    },
    "BookingRequest": {
        "showtimeId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d11",
        "items": [{"categoryId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d12", "quantity": 2}],
    },
    "BestSeatsRequest": {"quantity": 2},
    "SeatsRequest": {"seats": ["A-1", "A-2"]},
    "AllotmentRequest": {"capacity": 120, "price": {"amount": 6_500}},
    "CancellationRequest": {"reason": "The singer is ill."},
    "SeatMapRequest": {"seatMapId": "01995d3e-7b1c-7a50-9a52-0c7f6f0f2d13"},
    "MediaBody": {
        "file": "R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs=",
        "alt": "The orchestra, seen from the gallery",
    },
    "MediaPatchBody": {"alt": "The orchestra, seen from the stage"},
}

# The same of routes that take a table, by their operations.
TABLES: Final[dict[str, str]] = {
    "importShows": (
        "kind,title,durationMinutes,releasedOn,cast\n"
        "movie,The Last Lighthouse,118,2027-03-01,Ada Moll: The keeper | Ben Roth\n"
    ),
    "importShowtimes": (
        "event,startsAt,hall\n"
        "the-last-lighthouse,2027-03-05 20:15,Great Hall\n"
        "the-last-lighthouse,2027-03-06T19:15:00Z,\n"
    ),
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
