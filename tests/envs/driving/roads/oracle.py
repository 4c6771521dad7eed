"""highway-env's scenarios beside ours: the same first state and actions give the same episodes."""

import functools
import math
import warnings

import gymnasium
import numpy as np
import pytest

highway_env = pytest.importorskip("highway_env")

POSITION_M, OBSERVATION, REWARD = 0.05, 1e-3, 2e-4


def their_env(env_id: str, seed: int, config: dict | None = None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make(env_id, disable_env_checker=True, config=config)
    obs, _ = env.reset(seed=seed)
    return env.unwrapped, obs


def indices(roads) -> dict[tuple[str, str, int], int]:
    """Returns our index of each of their lanes."""
    keys = [(*road, number) for road in roads.roads for number in range(len(roads.lanes(*road)))]
    return {key: k for k, key in enumerate(keys)}


def frames_until(timer: float, dt: float) -> int:
    frames = 0
    while not timer > 1.0:
        timer, frames = timer + dt, frames + 1
    return frames


def copy_state(theirs, row: np.void, scenario, continuous: bool = False) -> None:
    """Writes the oracle's cars into our record, in which every car has been placed by our own rules."""
    lanes, dt = indices(scenario.roads), 1 / theirs.config["simulation_frequency"]
    routes = scenario.roads.arrays.routes
    roads = scenario.roads.roads
    for i, car in enumerate(theirs.road.vehicles):
        row["x"][i], row["y"][i] = car.position
        row["heading"][i], row["speed"][i] = car.heading, car.speed
        row["cos_heading"][i], row["sin_heading"][i] = math.cos(car.heading), math.sin(car.heading)
        place(row, i, scenario)
        assert row["lane"][i] == lanes[car.lane_index]
        if i == 0 and continuous:
            row["target"][i] = row["lane"][i]
            continue
        row["target"][i] = lanes[car.target_lane_index]
        row["desired_speed"][i] = car.target_speed
        row["route"][i], row["leg"][i] = -1, 0
        if car.route:
            legs = [(roads.index(leg[:2]), -1 if leg[2] is None else leg[2]) for leg in car.route]
            legs += [(-1, -1)] * (routes.shape[1] - len(legs))
            row["route"][i] = next(k for k, route in enumerate(routes) if route.tolist() == legs)
        if i > 0:
            row["exponent"][i] = car.DELTA
            row["countdown"][i] = frames_until(car.timer, dt)
            row["keeps"][i] = not car.enable_lane_change


def place(row: np.void, i: int, scenario) -> None:
    """Writes in which lanes car `i` is, by the network's own float64 geometry."""
    table, count, least = scenario.roads.arrays.lanes, 0, math.inf
    for k, lane in enumerate(lane for road in scenario.roads.roads for lane in scenario.roads.lanes(*road)):
        along, offset = lane.coordinates(row["x"][i], row["y"][i])
        if abs(offset) <= table[k]["width"] / 2 + 1 and -5 <= along < lane.length + 5:
            row["member"][i, count], row["member_s"][i, count], count = k, along, count + 1
        turn = (float(row["heading"][i]) - lane.heading_at(along) + math.pi) % (2 * math.pi) - math.pi
        away = abs(offset) + max(along - lane.length, 0) + max(-along, 0) + abs(turn)
        if away < least:
            least = away
            row["lane"][i], row["along"][i], row["offset"][i] = k, along, offset
    row["members"][i] = count
    row["mask"][i] = functools.reduce(int.__or__, (1 << int(k) for k in row["member"][i, :count]), 0)


def follow(make, env_id: str, seed: int, plan, config: dict | None = None, **options) -> dict[str, int]:
    """Plays one episode in both worlds; asserts that they agree; returns what happened."""
    theirs, their_obs = their_env(env_id, seed, config)
    mine = make(**options)
    mine.reset(seed=0)
    scenario = mine.setup.source
    lanes = indices(scenario.roads)
    rows = mine.get_state()
    copy_state(theirs, rows[0], scenario, continuous="actions" in options)
    mine.set_state(rows)
    told = {"steps": 0, "crashed": 0, "lane_changes": 0, "roads": set()}
    for action in plan:
        their_obs, their_reward, their_end, their_cut, _ = theirs.step(action)
        obs, reward, end, cut, _ = mine.step(action)
        told["steps"] += 1
        where = (env_id, seed, told["steps"])
        row, cars = mine.get_state()[0], len(theirs.road.vehicles)
        crashed = np.array([car.crashed for car in theirs.road.vehicles])
        positions = np.array([car.position for car in theirs.road.vehicles])
        # A driver who creeps backwards steers away from its lane: it doubles what rounding leaves.
        sound = ~crashed & np.array([car.speed > 0 for car in theirs.road.vehicles])
        assert (row["crashed"][:cars] == crashed).all(), where
        assert row["x"][:cars][sound] == pytest.approx(positions[sound, 0], abs=POSITION_M), where
        assert row["y"][:cars][sound] == pytest.approx(positions[sound, 1], abs=POSITION_M), where
        assert end == their_end, where
        assert reward == pytest.approx(their_reward, abs=REWARD), where
        if end or cut or their_cut:
            told["crashed"] = int(crashed[0])
            break
        if obs.shape == np.shape(their_obs):
            assert obs == pytest.approx(their_obs, abs=OBSERVATION), where
        targets = [lanes[car.target_lane_index] for car in theirs.road.vehicles if hasattr(car, "timer")]
        assert row["target"][1:cars].tolist() == targets, where
        told["lane_changes"] += int((row["target"][1:cars] != row["lane"][1:cars]).sum())
        told["roads"] |= {car.lane_index[:2] for car in theirs.road.vehicles}
    return told
