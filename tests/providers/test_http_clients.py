"""Requests are repeated only where the server has not begun, after the pause that it asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.providers.http_clients import FIRST_PAUSE, LONGEST_PAUSE, backoff, pause_after

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def reply(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@given(st.integers(100, 599))
def test_only_refusals_are_repeated(status: int) -> None:
    assert (pause_after(reply(status), 1) is not None) == (status in {502, 503})


def test_the_pause_is_the_servers_where_it_names_one() -> None:
    assert pause_after(reply(429, Retry_After="3"), 1) == 3.0
    assert pause_after(reply(503, Retry_After="3"), 2) == 3.0
    assert pause_after(reply(429, Retry_After=str(LONGEST_PAUSE + 1)), 1) is None


def test_a_date_counts_from_the_servers_own_clock_however_wrong() -> None:
    then = format_datetime(LONG_AGO + timedelta(seconds=4), usegmt=True)
    assert pause_after(reply(429, Retry_After=then, Date=format_datetime(LONG_AGO, usegmt=True)), 1) == 4.0


@pytest.mark.parametrize("said", ["soon", "", "-5"])
def test_nonsense_is_never_a_long_wait(said: str) -> None:
    pause = pause_after(reply(503, Retry_After=said), 1)
    assert pause is not None
    assert 0 < pause <= FIRST_PAUSE


@given(st.integers(1, 5))
def test_pauses_double_and_spread(attempt: int) -> None:
    assert FIRST_PAUSE * 2 ** (attempt - 2) <= backoff(attempt) <= FIRST_PAUSE * 2 ** (attempt - 1)
