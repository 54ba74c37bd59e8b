"""The rules of pretix's public schema of seating plans, in our own words.

Each kind of object: the fields that it must have and those it may have, with what they hold. A
field that is not named makes a plan invalid there.
"""

from collections.abc import Callable, Iterator
from typing import Any


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return _number(value) and float(value).is_integer()


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


# A check of the value, or the name of the kind of object that it is; in a list, of each in it.
Rule = Callable[[Any], bool] | str | list[str]

_RULES: dict[str, tuple[dict[str, Rule], dict[str, Rule]]] = {
    "plan": (
        {"name": _text, "size": "size", "categories": ["category"], "zones": ["zone"]},
        {},
    ),
    "size": ({"width": _whole, "height": _whole}, {}),
    "category": ({"name": _text}, {"color": _text}),
    "zone": (
        {"position": "position", "rows": ["row"]},
        {"name": _text, "zone_id": _text, "uuid": _text, "areas": ["area"]},
    ),
    "row": (
        {"row_number": _text, "seats": ["seat"]},
        {
            "row_label": _text_or_null,
            "seat_label": _text_or_null,
            "uuid": _text,
            "row_number_position": _one_of("start", "end", "both", None),
            "position": "position",
        },
    ),
    "seat": (
        {"seat_guid": _text, "seat_number": _text, "position": "position", "category": _text},
        {"uuid": _text, "start_direction": _text_or_null, "radius": _whole},
    ),
    "area": (
        {},
        {
            "color": _text,
            "border_color": _text,
            "rotation": _number,
            "position": "position",
            "uuid": _text,
            "shape": _one_of("polygon", "rectangle", "ellipse", "circle", "text"),
            "polygon": "polygon",
            "rectangle": "size",
            "ellipse": "ellipse",
            "circle": "circle",
            "text": "text",
        },
    ),
    "polygon": ({"points": ["position"]}, {}),
    "ellipse": ({"radius": "position"}, {}),
    "circle": ({"radius": _whole}, {}),
    "text": ({"text": _text, "position": "position"}, {"color": _text, "size": _whole}),
    "position": ({"x": _number, "y": _number}, {}),
}


def problems(plan: Any) -> list[str]:
    """What is wrong with a plan; nothing if pretix takes it.

    Besides the schema: guids occur once, and the category of each seat is one of the plan's.
    """
    found = list(_problems("plan", plan, ""))
    if found:
        return found
    names = {category["name"] for category in plan["categories"]}
    seats = [seat for zone in plan["zones"] for row in zone["rows"] for seat in row["seats"]]
    if len({seat["seat_guid"] for seat in seats}) != len(seats):
        found.append("a seat_guid occurs twice")
    found += [f"no category {seat['category']}" for seat in seats if seat["category"] not in names]
    return found


def _problems(kind: str, value: Any, pointer: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{pointer} is no {kind}"
        return
    needed, allowed = _RULES[kind]
    yield from (f"{pointer}/{field} is missing" for field in needed if field not in value)
    for field, inner in value.items():
        rule = (needed | allowed).get(field)
        where = f"{pointer}/{field}"
        if rule is None:
            yield f"{where} is not known"
        elif isinstance(rule, str):
            yield from _problems(rule, inner, where)
        elif isinstance(rule, list):
            if not isinstance(inner, list):
                yield f"{where} is no list"
                continue
            for at, one in enumerate(inner):
                yield from _problems(rule[0], one, f"{where}/{at}")
        elif not rule(inner):
            yield f"{where} cannot be {inner!r}"
