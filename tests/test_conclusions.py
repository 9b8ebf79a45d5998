"""What the first screen says of what was found."""

from __future__ import annotations

from dataclasses import replace

import pytest

import salesdiag as sd
from salesdiag.present.verdict import verdict
from tests.test_audit_findings import PLANTED, department_of


@pytest.fixture(scope="module")
def faulty():
    return sd.diagnose(department_of(*PLANTED))


def told(diagnosis, language="en"):
    return " ".join(verdict(diagnosis, language=language))


def with_q(diagnosis, *q_values):
    some = diagnosis.findings[: len(q_values)]
    made = tuple(replace(one, q_value=q) for one, q in zip(some, q_values, strict=True))
    return replace(diagnosis, findings=made)


def test_hints_are_not_counted_with_what_is_sure(faulty):
    assert "One cause stands out beyond chance" in told(with_q(faulty, 0.01, 0.1))
    assert "One is a hint and may be nothing." in told(with_q(faulty, 0.01, 0.1))
    assert "hint" not in told(with_q(faulty, 0.01, 0.01))


def test_hints_alone_stand_out_in_nothing(faulty):
    said = told(with_q(faulty, 0.1, 0.1))
    assert "No cause stands out beyond chance" in said
    assert "2 are hints and may be nothing." in said
    assert "if the hints hold" in said or "of what is missing" not in said


def test_russian_counts_hints_in_its_own_forms(faulty):
    assert "2\xa0причины — намёки" in told(with_q(faulty, 0.1, 0.1), "ru")
