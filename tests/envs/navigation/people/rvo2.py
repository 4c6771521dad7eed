"""What RVO2, the authors' own library, answers on random crowds: kept in rvo2.json, beside the questions.

pip install pyrvo && python -m tests.envs.navigation.people.rvo2      # writes the file anew (pyrvo 0.4.3)
"""

import json
from pathlib import Path

import numpy as np

from tests.envs.navigation.people.crowds import DT, random_crowd, wishes

FILE = Path(__file__).with_suffix(".json")
LIMIT = 1.0  # m/s
# bodies, m: from an empty square to one in which nobody finds a free velocity
CROWDS = [(2, 4.0), (3, 3.0), (6, 5.0), (6, 3.2), (10, 6.0), (10, 4.2), (11, 12.0), (16, 9.0), (16, 5.5)]


def questions() -> list[tuple[np.void, np.ndarray]]:
    """Returns crowds and what velocities their bodies wish for."""
    rng = np.random.default_rng(7)
    drawn = [(bodies, width) for bodies, width in CROWDS for _ in range(4)]
    return [(random_crowd(rng, bodies, width), wishes(rng, bodies)) for bodies, width in drawn]


def answer(row: np.void, wished: np.ndarray) -> np.ndarray:
    """Returns the velocities (bodies, 2) that RVO2 chooses."""
    from pyrvo import RVOSimulator  # its package brings much that the tests do not need

    radii = [float(r) + 0.01 for r in row["radius"][: len(wished)]]
    simulator = RVOSimulator(float(DT), 10.0, 10, 5.0, 5.0, radii[0], LIMIT)
    for i, radius in enumerate(radii):
        place, velocity = ([float(row[name][i]) for name in names] for names in (("x", "y"), ("vx", "vy")))
        simulator.add_agent(place, 10.0, 10, 5.0, 5.0, radius, LIMIT, velocity)
        simulator.set_agent_pref_velocity(i, [float(w) for w in wished[i]])
    simulator.do_step()
    chosen = [simulator.get_agent_velocity(i) for i in range(len(radii))]
    return np.array([[velocity.x, velocity.y] for velocity in chosen])


if __name__ == "__main__":
    FILE.write_text(json.dumps([np.round(answer(*asked), 6).tolist() for asked in questions()]) + "\n")
