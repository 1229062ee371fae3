"""The made-up company: always the same for a seed, unique where it must be, and one tree of managers."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterd.simulator import make_company, plan
from rosterd.simulator.company import SPAN, Company, ascii_name

SIZES = (1, 2, 3, 7, 30, 99, 100, 500)

companies = st.builds(make_company, st.integers(1, 400), st.integers(0, 50))


@pytest.mark.parametrize("size", SIZES)
def test_a_company_has_as_many_people_as_asked(size: int) -> None:
    assert len(make_company(size).people) == size


def test_nobody_is_not_a_company() -> None:
    with pytest.raises(ValueError, match="at least one"):
        make_company(0)


def test_the_same_seed_makes_the_same_company() -> None:
    assert make_company(120, 7) == make_company(120, 7)
    assert plan(make_company(120, 7)) == plan(make_company(120, 7))


def test_another_seed_makes_another_company() -> None:
    assert make_company(120, 7).people != make_company(120, 8).people


@given(companies)
@settings(max_examples=40, deadline=None)
def test_names_and_ids_are_unique_and_addresses_valid(company: Company) -> None:
    for field in ("user_name", "external_id", "employee_number"):
        values = [getattr(person, field).casefold() for person in company.people]
        assert len(set(values)) == len(values)
    assert len({group.name for group in company.groups}) == len(company.groups)
    for person in company.people:
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+@hollowbrook\.example", person.user_name)
        assert re.fullmatch(r"00u[A-Za-z0-9]{17}", person.external_id)
        assert re.fullmatch(r"[A-Z]{2}", person.country)
        assert person.given
        assert person.family
        assert "#" not in person.postal_code


@given(companies)
@settings(max_examples=40, deadline=None)
def test_everybody_reports_to_the_first_and_no_manager_has_too_many(company: Company) -> None:
    for index, person in enumerate(company.people):
        steps = 0
        while person.manager is not None:
            assert person.manager < index or person.manager == 0
            person = company.people[person.manager]
            steps += 1
            assert steps <= len(company.people)
        assert person is company.people[0]
    reports = Counter(person.manager for person in company.people[1:])
    # The first has the leaders of the departments.
    assert all(count <= SPAN for manager, count in reports.items() if manager != 0)


@given(companies)
@settings(max_examples=40, deadline=None)
def test_groups_hold_people_of_the_company_once_and_in_order(company: Company) -> None:
    for group in company.groups:
        assert list(group.members) == sorted(set(group.members))
        assert set(group.members) <= set(range(len(company.people)))
    assert company.groups[0].members == tuple(range(len(company.people)))
    assert any(not group.members for group in company.groups)


@given(companies)
@settings(max_examples=40, deadline=None)
def test_the_plan_is_possible(company: Company) -> None:
    planned = plan(company)
    assert planned.promoted
    assert set(planned.returners) <= set(planned.leavers)
    for move in planned.moves:
        inside = set(company.groups[move.group].members)
        assert set(move.leave) <= inside
        assert not set(move.join) & inside
        assert move.leave or move.join


def test_most_names_of_a_larger_company_are_not_english() -> None:
    people = make_company(500).people
    scripts = Counter("ascii" if person.display.isascii() else "other" for person in people)
    assert scripts["other"] > 150
    assert len({person.locale for person in people}) > 15


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Łukasz", "lukasz"),
        ("Æsuson", "aesuson"),
        ("Þóra", "thora"),
        ("Weiß", "weiss"),
        ("İbrahim", "ibrahim"),
        ("Işıl", "isil"),
        ("O'Brien", "obrien"),
        ("von der Heide", "vonderheide"),
        ("Nguyễn", "nguyen"),
        ("Adéyẹmí", "adeyemi"),
        ("小林|Kobayashi", "kobayashi"),
    ],
)
def test_an_address_is_the_name_without_its_accents(name: str, latin: str) -> None:
    assert ascii_name(name) == latin
