import math

from quadrivium.commands.pages.pace import Pace


def test_a_clock_goes_at_its_rate_stands_still_and_goes_on_from_where_it_stood():
    machine = [100.0]
    pace = Pace(lambda: machine[0])
    machine[0] += 5
    assert pace.now() == 0  # it stands at first
    assert pace.left(1.0) == math.inf
    pace.go(2.0)
    machine[0] += 3
    assert pace.now() == 6
    assert pace.left(10.0) == 2  # of the machine's seconds
    pace.go(0.0)
    machine[0] += 50
    assert pace.now() == 6
    pace.go(0.5)
    machine[0] += 4
    assert pace.now() == 8
    assert pace.left(7.0) == 0
