"""A company made up from a seed: the same seed and size always give the same people and groups.

    Company   its name, mail domain, people and groups
      Person  one person; ``manager`` is the index of another, nobody manages themselves
      Group   a name and the indices of its members

Everybody reports to the first person through a chain of managers with at most eight people each.
The mail domain ends in ``.example``, so no message can ever reach anybody.
"""

import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rosterd.simulator.names import CULTURES, DEPARTMENTS, PLACES, PROJECTS, Culture, Department, Place

SPAN: Final = 8
"""How many people one manager has."""

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BY_LOCALE: Final = {culture.locale: culture for culture in CULTURES}
# Letters that have no decomposition into a Latin letter and accents.
_LATIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ß": "ss", "ı": "i"}
)


@dataclass(frozen=True, slots=True)
class Person:
    """One person as an identity provider knows them."""

    external_id: str
    """The provider's own id, 20 characters from ``00u`` on as Okta's are."""
    user_name: str
    """The mail address, unique letter case ignored."""
    given: str
    family: str
    display: str
    locale: str
    """BCP 47, e.g. ``pl-PL``."""
    department: str
    title: str
    user_type: str
    """``Employee`` or ``Contractor``."""
    employee_number: str
    cost_center: str
    manager: int | None
    """Index in ``Company.people``; ``None`` for the first."""
    phone: str
    mobile: str
    street: str
    city: str
    region: str
    postal_code: str
    country: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group to push; ``members`` are indices in ``Company.people``, ascending."""

    name: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """People and groups."""

    name: str
    domain: str
    seed: int
    people: tuple[Person, ...]
    groups: tuple[Group, ...]

    @property
    def memberships(self) -> int:
        """All groups' members together."""
        return sum(len(group.members) for group in self.groups)


def make_company(
    people: int, seed: int = 1, *, name: str = "Hollowbrook Instruments", domain: str = "hollowbrook.example"
) -> Company:
    """Make a company of that many people (at least one)."""
    if people < 1:
        raise ValueError("a company has at least one person")
    # Repeatable on purpose; nothing here is a secret.
    rng = random.Random(f"{seed}/{people}")  # noqa: S311
    staff = tuple(_staff(people, rng, domain))
    return Company(name, domain, seed, staff, tuple(_groups(staff, rng)))


def ascii_name(text: str) -> str:
    """The name as it stands in a mail address: Latin letters and digits only, in lower case."""
    latin = text.rpartition("|")[2].casefold().translate(_LATIN)
    plain = unicodedata.normalize("NFKD", latin).translate(_LATIN)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


def _staff(count: int, rng: random.Random, domain: str) -> Iterator[Person]:
    departments = DEPARTMENTS[: max(1, min(len(DEPARTMENTS), count // 4))]
    shares = [department.share for department in departments]
    rows: dict[str, list[int]] = {department.name: [] for department in departments}
    placed: list[tuple[Department, int | None, int]] = []
    for index in range(count):
        # The first people lead the departments, so that none is without.
        department = (
            departments[index - 1] if 1 <= index <= len(departments) else rng.choices(departments, shares)[0]
        )
        if index == 0:
            placed.append((department, None, 0))
            continue
        row = rows[department.name]
        above = row[(len(row) - 1) // SPAN] if row else 0
        placed.append((department, above, len(row)))
        row.append(index)
    taken: set[str] = set()
    for index, (department, manager, rank) in enumerate(placed):
        leads = rank * SPAN + 1 < len(rows[department.name])
        place = rng.choices(PLACES, range(len(PLACES), 0, -1))[0]
        yield _person(index, department, manager, _title(index, rank, leads, department, rng), place, rng,
                      taken, domain)  # fmt: skip


def _title(index: int, rank: int, leads: bool, department: Department, rng: random.Random) -> str:
    if index == 0:
        return "Chief Executive Officer"
    if rank == 0:
        return department.leader
    return department.manager if leads else rng.choice(department.titles)


def _person(
    index: int,
    department: Department,
    manager: int | None,
    title: str,
    place: Place,
    rng: random.Random,
    taken: set[str],
    domain: str,
) -> Person:
    local = rng.random() < 0.75
    culture = _BY_LOCALE[rng.choice(place.cultures)] if local else rng.choice(CULTURES)
    given, family = rng.choice(culture.given), rng.choice(culture.family)
    extension = rng.randrange(10_000)
    return Person(
        external_id="00u" + "".join(rng.choices(_ALPHABET, k=17)),
        user_name=_address(given, family, taken, domain),
        given=given.partition("|")[0],
        family=family.partition("|")[0],
        display=_display(given.partition("|")[0], family.partition("|")[0], culture),
        locale=culture.locale,
        department=department.name,
        title=title,
        user_type="Contractor" if manager and rng.random() < 0.08 else "Employee",
        employee_number=f"{100_000 + index}",
        cost_center=f"{4000 + 10 * DEPARTMENTS.index(department)}",
        manager=manager,
        phone=f"{place.phone}-{extension:04d}",
        mobile=f"{place.phone}-{rng.randrange(10_000):04d}",
        street=f"{rng.choice(place.streets)} {rng.randrange(1, 180)}",
        city=place.city,
        region=place.region,
        postal_code="".join(str(rng.randrange(10)) if sign == "#" else sign for sign in place.postal),
        country=place.country,
        timezone=place.timezone,
    )


def _display(given: str, family: str, culture: Culture) -> str:
    parts = (family, given) if culture.family_first else (given, family)
    return culture.joint.join(parts)


def _address(given: str, family: str, taken: set[str], domain: str) -> str:
    base = f"{ascii_name(given)}.{ascii_name(family)}"
    local, number = base, 1
    while local in taken:
        number += 1
        local = f"{base}{number}"
    taken.add(local)
    return f"{local}@{domain}"


def _groups(people: tuple[Person, ...], rng: random.Random) -> Iterator[Group]:
    """Sizes are nested: everybody ⊃ department ⊃ department in one office."""
    leads = {person.manager for person in people} - {None}
    yield Group("All Employees", tuple(range(len(people))))
    yield from _split(people, lambda index, person: person.department)
    yield from _split(people, lambda index, person: f"Office {person.city}")
    if len(people) >= 100:
        yield from _split(people, lambda index, person: f"{person.department} – {person.city}")
    yield from _split(people, lambda index, person: "Role: People Managers" if index in leads else None)
    yield from _split(people, lambda index, person: None if person.manager else "Role: Leadership")
    yield from _split(people, lambda index, person: f"Role: {person.user_type}s")
    for index in range(max(2, min(200, len(people) // 25))):
        series, name = divmod(index, len(PROJECTS))
        size = min(len(people), 3 + int(rng.expovariate(1 / max(4.0, len(people) / 30))))
        members = tuple(sorted(rng.sample(range(len(people)), size)))
        yield Group(f"Project {PROJECTS[name]}" + (f" {series + 1}" if series else ""), members)
    yield Group("Project Zenith (planned)", ())


def _split(people: tuple[Person, ...], name_of: Callable[[int, Person], str | None]) -> Iterator[Group]:
    """One group for each name, of the people who have it."""
    found: dict[str, list[int]] = {}
    for index, person in enumerate(people):
        name = name_of(index, person)
        if name is not None:
            found.setdefault(name, []).append(index)
    yield from (Group(name, tuple(members)) for name, members in found.items())
