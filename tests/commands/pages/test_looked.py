"""What a policy looked at, on the page that is watched: the command's figures, and the pace stays."""

import asyncio
import sys
import time

import numpy as np
import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.build import load_agent, read_model_text
from quadrivium.commands.explainer import Explainer
from quadrivium.commands.pages.casting import make_env, make_explainer, make_stages, read_cast
from quadrivium.commands.pages.looked import MOST_ROWS
from quadrivium.commands.pages.watch import make_show
from quadrivium.commands.pages.whereabouts import Whereabouts
from quadrivium.envs.driving.highway.render import PX_PER_M
from tests.commands.pages.shows import small_show
from tests.commands.pages.test_show import Tab, at, perform

MODEL = "model:sign_chain_dqn"


def known(told):
    return told["panes"][0]["looked"] is not None and "rows" in told["panes"][0]["looked"]


def stage_of(*words):
    cast = read_cast(words, lambda env_id: {}, 7, lambda line: None)
    (stage,) = make_stages(cast, lambda line: None)
    stage.reset(7)
    return stage


def test_what_is_told_is_what_the_command_explains_and_adds_up():
    stage = stage_of(MODEL)
    for _ in range(3):
        stage.step()
    obs = np.copy(stage.episode.obs)
    stage.ask()()
    looked = stage.told(1.0, 0)["looked"]
    agent, _ = load_agent(read_model_text("sign_chain_dqn").run_dir, "last", lambda line: None)
    found = Explainer(agent, stage.episode.env).explain(obs).found
    assert looked["decision"] == 3
    assert looked["action"] == int(agent.act(obs)[0])
    assert [target["name"] for target in looked["targets"]] == ["action", "value"]
    (by_number,) = found.parts.values()  # (T, 1, F)
    for t, target in enumerate(looked["targets"]):
        assert target["output"] == pytest.approx(float(found.outputs[t, 0]), rel=1e-3)
        told = sorted(row["weights"][t] for row in looked["rows"])
        assert told == pytest.approx(sorted(by_number[t, 0].tolist()), rel=1e-3, abs=1e-9)
        assert sum(told) + target["baseline"] - target["error"] == pytest.approx(target["output"], abs=2e-3)
    assert stage.ask() is None  # it is known


def test_of_many_numbers_the_most_important_are_told_and_the_sum_of_the_others():
    stage = stage_of("model:portfolio_ppo")
    stage.ask()()
    for target in (0, 1):
        looked = stage.told(1.0, target)["looked"]
        assert looked["target"] == target
        sizes = [abs(row["weights"][target]) for row in looked["rows"]]
        assert len(sizes) == MOST_ROWS
        assert sizes == sorted(sizes, reverse=True)
        for t, told in enumerate(looked["targets"]):
            total = sum(row["weights"][t] for row in looked["rows"]) + looked["others"]["weights"][t]
            assert total + told["baseline"] - told["error"] == pytest.approx(told["output"], abs=5e-3)


def test_a_boards_cells_are_on_its_frame_and_its_moves_have_names():
    stage = stage_of("model:tic_tac_toe_alphazero")
    plain = stage.picture()
    assert stage.picture(1.0, 0) == plain  # it is not known yet
    assert stage.told(1.0, 0)["looked"] == {"why": "", "waits": True}
    stage.step()
    before = stage.picture()
    stage.ask()()
    looked = stage.told(1.0, 0)["looked"]
    assert stage.picture(1.0, 0) != before
    assert stage.picture() == before  # off: as ever
    assert looked["action"][0] in "abc"
    assert looked["action"][1:] in "123"
    assert looked["maps"] == []
    assert "the search is not in it" in looked["note"]


def test_a_show_explains_when_it_is_wanted_and_else_costs_nothing():
    async def story(show, tab):
        told = await tab.told(at(2))
        insight = show._agents[0]._insight
        assert (told["explains"], told["panes"][0]["looked"], insight._explainer) == (None, None, None)
        await tab.say("explain", on=True, target=1)
        told = await tab.told(known)
        pane = told["panes"][0]
        assert (told["explains"], pane["looked"]["target"]) == (1, 1)
        assert pane["looked"]["decision"] <= pane["step"]
        assert told["panes"][1]["looked"]["why"] == (
            "player 'baseline:follow' has no network to explain; write run:runs/NAME or model:NAME"
        )
        await tab.say("pause", on=True)
        await tab.say("explain", on=True, target=0)  # of the same decision
        await tab.told(lambda told: known(told) and of_this_decision(told["panes"][0]))
        await tab.say("explain", on=False)
        await tab.told(lambda told: told["explains"] is None and told["panes"][0]["looked"] is None)

    def of_this_decision(pane):
        return pane["looked"]["target"] == 0 and pane["looked"]["decision"] == pane["step"]

    perform(story, MODEL, "follow")


def test_in_a_pause_between_two_decisions_the_next_one_is_explained():
    async def told():
        show = make_show(read_cast(["model:merge_ppo"], lambda env_id: {}, 7, lambda line: None), print)
        tab = Tab(show)
        await tab.say("join")
        await tab.told(at(1))  # the first picture of a second in which the world moves
        await tab.say("pause", on=True)
        await tab.say("explain", on=True)
        told = await tab.told(
            lambda told: known(told) and told["panes"][0]["looked"]["decision"] == told["panes"][0]["step"]
        )
        assert told["paused"]
        await show.close()

    asyncio.run(told())


def test_the_pace_stays_where_explaining_takes_longer_than_a_step(monkeypatch):
    explain = Explainer.explain

    def slowly(self, obs):
        time.sleep(0.5)  # five steps
        return explain(self, obs)

    async def story(show, tab):
        await tab.say("explain", on=True)
        await tab.told(known)
        monkeypatch.setattr(Explainer, "explain", slowly)
        first = (await tab.told(at(0)))["panes"][0]["step"]
        begun = time.monotonic()
        await tab.told(at(first + 20))
        assert time.monotonic() - begun < 4.0  # 2 s at ten steps a second; 10 s if each waited
        await tab.say("pause", on=True)
        await tab.told(lambda told: told["panes"][0]["looked"]["decision"] == told["panes"][0]["step"])

    perform(story, MODEL)


def test_without_captum_the_page_says_what_the_command_says(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    stage = stage_of(MODEL)
    stage.ask()()
    why = stage.told(1.0, 0)["looked"]["why"]
    assert why == "explanations need captum, which is not installed; pip install 'quadrivium[explain]'"
    assert stage.ask() is None  # nor is it tried again


def test_an_explanation_that_fails_is_told_in_a_line(monkeypatch):
    monkeypatch.setattr(Explainer, "explain", lambda self, obs: 1 / 0)
    stage = stage_of(MODEL)
    stage.ask()()
    assert stage.told(1.0, 0)["looked"]["why"] == "a decision could not be explained: division by zero"


def test_several_who_act_at_once_are_not_explained():
    cast = read_cast(["intersection", "idm"], lambda env_id: {"drivers": 2}, 7, lambda line: None)
    env = make_env(cast)
    with pytest.raises(UserError, match=r"2 agents act at once here, .* such as drivers=1"):
        make_explainer("model:merge_ppo", env, lambda line: None)
    env.close()


RUBBISH = [
    ({}, "neither true nor false"),
    ({"on": 1}, "neither true nor false"),
    ({"on": True, "target": "run:/etc"}, "no whole number"),
    ({"on": True, "target": -1}, "target -1: expected 0 to 15"),
    ({"on": True, "target": 10**30}, "expected 0 to 15"),
]


def test_rubbish_is_answered_in_a_line():
    async def told():
        show = small_show(MODEL)
        tab = Tab(show)
        for rest, said in RUBBISH:
            await tab.say("explain", **rest)
            assert said in await tab.told(lambda told: False)
        assert show._target is None
        await show.close()

    asyncio.run(told())


def pixels_of(row, ego):
    """Returns where all cars of a highway's record are in its frame, (N, 2), by where the first one is."""
    cars = np.stack([row["x"], row["y"]], -1).astype(np.float64)
    return ego + (cars - cars[0]) * PX_PER_M


def test_rings_follow_their_cars_between_two_decisions():
    stage = stage_of("highway", "idle")
    setup, renderer = stage.episode.env.unwrapped.setup, stage._renderer
    where = Whereabouts(setup, renderer)
    for _ in range(3):
        before = stage._states()[0].copy()
        first = where.begin(before, stage.episode.obs)["observation"]
        stage.step()
        after = stage._states()[0].copy()
        places = {"observation": first}
        for share in np.linspace(0.1, 1.0, 10):
            places = where.follow(renderer.between(before, after, float(share)), places)
        last = places["observation"]
        followed = 0
        for place, now in zip(first, last, strict=True):
            if not np.isnan(now).any():
                car = np.linalg.norm(pixels_of(before, first[0]) - place, axis=1).argmin()  # whose ring it is
                assert now == pytest.approx(pixels_of(after, last[0])[car], abs=1.5)
                followed += 1
        assert followed >= 3
