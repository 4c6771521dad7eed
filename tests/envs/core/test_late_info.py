"""Infos whose dear parts are made when they are looked at: nobody notices but the clock."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest

from quadrivium.envs.core.late_info import LateInfo

WHOLE = {"metrics": 1, "final_obs": 2, "final_info": 3}


class Made:
    """A LateInfo of WHOLE, and how often its late parts were made."""

    def __init__(self):
        self.times = 0
        self.info = LateInfo({"metrics": 1}, ("final_obs", "final_info"), self.make)

    def make(self):
        self.times += 1
        return {"final_obs": 2, "final_info": 3}


def keywords(**named):
    return named


def merged(info):
    info |= {}
    return info


@pytest.mark.parametrize(
    ("see", "expected"),
    [
        (lambda info: info["final_obs"], 2),
        (lambda info: info.get("final_info"), 3),
        (lambda info: list(info.items()), list(WHOLE.items())),
        (lambda info: list(info.values()), list(WHOLE.values())),
        (dict, WHOLE),
        (lambda info: {**info}, WHOLE),
        (lambda info: keywords(**info), WHOLE),
        (lambda info: info.copy(), WHOLE),
        (copy.copy, WHOLE),
        (copy.deepcopy, WHOLE),
        (lambda info: pickle.loads(pickle.dumps(info)), WHOLE),
        (lambda info: info | {"a": 0}, WHOLE | {"a": 0}),
        (lambda info: {"a": 0} | info, WHOLE | {"a": 0}),
        (lambda info: merged({"a": 0}) | info, WHOLE | {"a": 0}),
        (merged, WHOLE),
        (lambda info: info == WHOLE, True),
        (lambda info: info != WHOLE, False),
        (repr, repr(WHOLE)),
        (lambda info: info.pop("final_obs"), 2),
        (lambda info: info.popitem(), ("final_info", 3)),
        (lambda info: info.setdefault("final_obs", 9), 2),
        (lambda info: [value for _, value in sorted(info.items())], [3, 2, 1]),
    ],
)
def test_whoever_looks_sees_a_dict_that_holds_all_and_it_was_made_once(see, expected):
    made = Made()
    assert see(made.info) == expected
    assert made.times == 1
    made.info.get("final_info")
    assert made.times == 1


def test_a_plain_dict_takes_it_over_whole():
    made, plain = Made(), {"a": 0}
    plain.update(made.info)
    assert plain == WHOLE | {"a": 0}
    assert type(copy.deepcopy(made.info)) is dict


def test_what_does_not_ask_for_late_parts_makes_none():
    made = Made()
    assert made.info["metrics"] == 1
    assert "final_obs" in made.info
    assert len(made.info) == 3
    assert list(made.info) == list(made.info.keys()) == list(WHOLE)
    made.info["more"] = 4
    with pytest.raises(KeyError, match="unknown"):
        made.info["unknown"]
    assert made.times == 0


def test_what_a_caller_writes_stays():
    made = Made()
    made.info["final_obs"] = 7
    assert dict(made.info) == WHOLE | {"final_obs": 7}
    del made.info["final_obs"]
    assert "final_obs" not in made.info


def test_last_observations_that_are_looked_at_later_are_still_those_of_their_step():
    kept = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=8)
    at_once = gymnasium.make_vec("quadrivium/TicTacToe-v0", num_envs=8)
    for batch in (kept, at_once):
        batch.reset(seed=3)
        batch.action_space.seed(3)
    later, seen = [], []
    for _ in range(20):
        *_, info = kept.step(kept.action_space.sample())
        later.append(info)
        *_, info = at_once.step(at_once.action_space.sample())
        if "final_obs" in info:
            seen.append((copy.deepcopy(info["final_obs"]), copy.deepcopy(info["final_info"])))
        else:
            seen.append(None)
    assert sum(one is not None for one in seen) > 5
    for info, one in zip(later, seen, strict=True):
        assert ("final_obs" in info) == (one is not None)
        if one is None:
            continue
        for last, expected in zip(info["final_obs"], one[0], strict=True):
            assert (last is None) == (expected is None)
            for part in expected or ():
                np.testing.assert_array_equal(last[part], expected[part])
        for key in ("metrics", "reward_terms"):
            for name, values in one[1][key].items():
                np.testing.assert_array_equal(info["final_info"][key][name], values)
        np.testing.assert_array_equal(info["final_info"]["action_mask"], one[1]["action_mask"])
