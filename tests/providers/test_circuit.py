"""A server that keeps failing rests; one at a time tries whether it is back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.providers.circuit import Circuit


def test_failures_in_a_row_open_it_and_one_success_closes_it() -> None:
    circuit = Circuit(failures=2)
    circuit.failed()
    circuit.succeeded()
    circuit.failed()
    assert circuit.allows()
    circuit.failed()
    assert (circuit.allows(), circuit.is_open) == (False, True)
    circuit.succeeded()
    assert (circuit.allows(), circuit.is_open) == (True, False)


def test_after_a_rest_one_may_try_and_again_after_another_if_nothing_came_of_it() -> None:
    now = 0.0
    circuit = Circuit(failures=1, rest=10, clock=lambda: now)
    circuit.failed()
    now = 10.0
    assert [circuit.allows() for _ in range(3)] == [True, False, False]
    now = 20.0
    assert [circuit.allows() for _ in range(3)] == [True, False, False]


@given(st.lists(st.sampled_from(["failed", "succeeded", "tick"]), max_size=40))
def test_a_server_is_never_given_up_for_good(steps: list[str]) -> None:
    now = 0.0
    circuit = Circuit(failures=3, rest=10, clock=lambda: now)
    for step in steps:
        if step == "tick":
            now += 4
            circuit.allows()
        else:
            getattr(circuit, step)()
    now += 10
    assert circuit.allows()
