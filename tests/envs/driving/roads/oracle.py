"""highway-env's scenarios beside ours: the same first state and actions give the same episodes."""

import functools
import math
import warnings

import gymnasium
import numpy as np
import pytest

highway_env = pytest.importorskip("highway_env")
from highway_env.vehicle.behavior import IDMVehicle  # noqa: E402 - where there is none, all is skipped

POSITION_M, OBSERVATION, REWARD, CELLS = 0.05, 1e-3, 2e-4, 3
# Their intersection writes its drivers' model into the class: it changes all that is stepped after it.
MODEL = {
    name: getattr(IDMVehicle, name) for name in ("DISTANCE_WANTED", "COMFORT_ACC_MAX", "COMFORT_ACC_MIN")
}


def their_env(env_id: str, seed: int, config: dict | None = None):
    for name, value in MODEL.items():
        setattr(IDMVehicle, name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        env = gymnasium.make(env_id, disable_env_checker=True, config=config)
    obs, _ = env.reset(seed=seed)
    return env.unwrapped, obs


def their_cars(theirs) -> list:
    """Returns the oracle's cars in the order of our record: the ego first."""
    return [theirs.vehicle, *(car for car in theirs.road.vehicles if car is not theirs.vehicle)]


def indices(roads) -> dict[tuple[str, str, int], int]:
    """Returns our index of each of their lanes."""
    keys = [(*road, number) for road in roads.roads for number in range(len(roads.lanes(*road)))]
    return {key: k for k, key in enumerate(keys)}


def frames_until(timer: float, dt: float) -> int:
    frames = 0
    while not timer > 1.0:
        timer, frames = timer + dt, frames + 1
    return frames


def copy_state(theirs, row: np.void, scenario, by_hand: bool = False) -> None:
    """Writes the oracle's cars into our record."""
    cars, places = their_cars(theirs), scenario.room or len(scenario.spawns)
    row["cars"], row["clock"] = len(cars), getattr(theirs.road, "steps", 0)
    row["members"][len(cars) : places], row["mask"][len(cars) : places] = 0, 0
    for i, car in enumerate(cars):
        write_car(theirs, car, row, i, scenario, by_hand)
        row["serial"][i] = theirs.road.vehicles.index(car)


def write_car(theirs, car, row: np.void, i: int, scenario, by_hand: bool = False) -> None:
    """Writes one of the oracle's cars to place `i` of our record."""
    lanes, dt = indices(scenario.roads), 1 / theirs.config["simulation_frequency"]
    row["crashed"][i], row["yields"][i] = car.crashed, getattr(car, "is_yielding", False)
    row["x"][i], row["y"][i] = car.position
    row["heading"][i], row["speed"][i] = car.heading, car.speed
    row["cos_heading"][i], row["sin_heading"][i] = math.cos(car.heading), math.sin(car.heading)
    place(row, i, scenario)
    assert row["lane"][i] == lanes[car.lane_index]
    if i == 0 and by_hand:
        row["target"][i] = row["lane"][i]
        return
    row["target"][i] = lanes[car.target_lane_index]
    row["desired_speed"][i] = car.target_speed
    row["route"][i], row["leg"][i] = find_route(car, scenario) if car.route else (-1, 0)
    if i > 0:
        row["exponent"][i] = car.DELTA
        row["countdown"][i] = frames_until(car.timer, dt)
        row["keeps"][i] = not car.enable_lane_change


def find_route(car, scenario) -> tuple[int, int]:
    """Returns the route whose rest a car drives, and the leg with which that begins."""
    roads = scenario.roads.roads
    legs = [(roads.index(leg[:2]), -1 if leg[2] is None else leg[2]) for leg in car.route]
    for k, route in enumerate(scenario.roads.arrays.routes.tolist()):
        for leg in range(len(route) - len(legs)):
            if route[leg : leg + len(legs)] == legs and route[leg + len(legs)][0] == -1:
                return k, leg
    raise AssertionError(f"no route of ours ends in {car.route}")


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


def compare_observations(obs, theirs, where) -> None:
    """Asserts that they are alike, where they are of one kind."""
    if isinstance(theirs, dict):
        for name, part in theirs.items():
            assert obs[name] == pytest.approx(np.ravel(part), abs=2 * OBSERVATION), (*where, name)
    elif np.ndim(theirs) == 3 and obs.shape == np.shape(theirs):
        # a point on the border of two cells falls into either of them by its last digit
        assert (obs != theirs).sum() <= CELLS, where
    elif obs.shape == np.shape(theirs):
        assert obs[0] == pytest.approx(theirs[0], abs=OBSERVATION), where
        away = np.abs(obs[:, None] - theirs[None]).max(2)  # cars equally far away come in any order
        assert (away.min(0) < OBSERVATION).all(), where
        assert (away.min(1) < OBSERVATION).all(), where


def follow(make, env_id: str, seed: int, plan, config: dict | None = None, **options) -> dict[str, int]:
    """Plays one episode in both worlds; asserts that they agree; returns what happened."""
    theirs, their_obs = their_env(env_id, seed, config)
    mine = make(**options)
    mine.reset(seed=0)
    scenario = mine.setup.source
    lanes = indices(scenario.roads)
    rows = mine.get_state()
    copy_state(theirs, rows[0], scenario, by_hand=mine.setup.params.by_hand)
    mine.set_state(rows)
    told = {"steps": 0, "crashed": 0, "lane_changes": 0, "roads": set()}
    for action in plan:
        before = their_cars(theirs)
        if callable(action):
            action = action(mine.get_state(), mine.setup.params)
        their_obs, their_reward, their_end, their_cut, _ = theirs.step(action)
        obs, reward, end, cut, _ = mine.step(action)
        told["steps"] += 1
        where = (env_id, seed, told["steps"])
        row, cars = mine.get_state()[0], len(before)
        crashed = np.array([car.crashed for car in before])
        positions = np.array([car.position for car in before])
        # A driver who creeps backwards steers away from its lane: it doubles what rounding leaves.
        sound = ~crashed & np.array([car.speed > 0 for car in before])
        assert row["cars"] == cars, where
        assert (row["crashed"][:cars] == crashed).all(), where
        assert row["x"][:cars][sound] == pytest.approx(positions[sound, 0], abs=POSITION_M), where
        assert row["y"][:cars][sound] == pytest.approx(positions[sound, 1], abs=POSITION_M), where
        assert end == their_end, where
        assert reward == pytest.approx(their_reward, abs=REWARD), where
        if end or cut or their_cut:
            told["crashed"] = int(crashed[0])
            break
        compare_observations(obs, their_obs, where)
        targets = [lanes[car.target_lane_index] for car in before[1:]]
        assert row["target"][1:cars].tolist() == targets, where
        told["lane_changes"] += int((row["target"][1:cars] != row["lane"][1:cars]).sum())
        told["roads"] |= {car.lane_index[:2] for car in before}
    return told


def seconds(make, env_id: str, seed: int, plan, **options) -> dict[str, list]:
    """Plays one episode of theirs, and every decision in it in ours too, from their state; asserts rewards.

    Where traffic yields, a last digit may decide who stops: two who come straight at each other are equally
    far from one another. So whole episodes part, but hardly ever seconds.

    Returns, a car and a decision: how far our car is from theirs (m), whether both or neither yield, and
    whether it drives (else a last digit decides where it creeps to).
    """
    theirs, _ = their_env(env_id, seed)
    mine = make(**options)
    told: dict[str, list] = {"away": [], "yields_too": [], "drives": [], "yields": []}
    for step, action in enumerate(plan):
        mine.reset(seed=0)
        rows, before = mine.get_state(), their_cars(theirs)
        copy_state(theirs, rows[0], mine.setup.source)
        rows[0]["step"] = step
        mine.set_state(rows)
        moving = np.array([car.speed > 0.5 for car in before])
        their_obs, their_reward, their_end, their_cut, _ = theirs.step(action)
        obs, reward, end, _, _ = mine.step(action)
        where, row, cars = (env_id, seed, step), mine.get_state()[0], len(before)
        assert end == their_end, where
        assert reward == pytest.approx(their_reward, abs=REWARD), where
        if end or their_cut:
            break
        positions = np.array([car.position for car in before])
        away = np.hypot(row["x"][:cars] - positions[:, 0], row["y"][:cars] - positions[:, 1])
        if (away < 2 * OBSERVATION).all():
            compare_observations(obs, their_obs, where)
        yields = np.array([bool(getattr(car, "is_yielding", False)) for car in before])
        told["away"] += away.tolist()
        told["yields"] += yields.tolist()
        told["yields_too"] += (row["yields"][:cars] == yields).tolist()
        told["drives"] += (moving & np.array([car.speed > 0.5 for car in before])).tolist()
    return told
