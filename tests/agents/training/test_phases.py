from quadrivium.agents.training import phases
from quadrivium.agents.training.phases import PhaseClock


def test_what_others_measured_is_booked_by_phase_and_the_rest_where_one_waited(monkeypatch):
    now = iter([0.0, 1.0, 11.0, 11.0, 15.0])
    monkeypatch.setattr(phases.time, "perf_counter", lambda: next(now))
    clock = PhaseClock()
    clock.enter("waiting")  # at 1
    clock.book({"env": 3.0, "update": 5.0})  # at 11: 2 of 10 were nobody's
    assert clock.take() == {"other": 1.0, "env": 3.0, "update": 5.0, "waiting": 2.0 + 4.0}
    assert set(clock.seconds.values()) == {0.0}
