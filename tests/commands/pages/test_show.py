import asyncio
import io
import json

import pytest
from PIL import Image

from quadrivium.commands.pages import show as shows
from quadrivium.commands.pages import viewers
from tests.commands.pages.shows import small_show, unpacked


class Tab:
    """A viewer of a show, and what it was told."""

    def __init__(self, show):
        self.show, self.viewer = show, show.enter()

    async def say(self, do, **rest):
        await self.raw(json.dumps({"do": do, **rest}))

    async def raw(self, text):
        await self.show.hear(self.viewer, text)

    async def told(self, until=lambda told: True, seconds=60):
        """Returns the next state that is as wanted, or the next error's text."""
        async with asyncio.timeout(seconds):
            while True:
                message = await self.viewer.next()
                if isinstance(message, bytes):
                    found = unpacked(message)[0]
                    if until(found):
                        return found
                elif json.loads(message)["type"] == "error":
                    return json.loads(message)["text"]


def perform(story, *players, **kwargs):
    async def told():
        show = small_show(*(players or ("follow",)), **kwargs)
        tab = Tab(show)
        try:
            await tab.say("join")
            await story(show, tab)
        finally:
            await show.close()

    asyncio.run(told())


def at(step):
    return lambda told: told["panes"][0]["step"] >= step


def test_two_players_are_shown_side_by_side_in_the_same_scenario():
    async def story(show, tab):
        hello = json.loads(await tab.viewer.next())
        assert (hello["type"], hello["you"], hello["world"]) == ("hello", 1, "SignChain")
        message = await tab.viewer.next()
        told, pictures = unpacked(message)
        assert [pane["name"] for pane in told["panes"]] == ["follow", "cash"]
        assert told["seed"] == 7
        for picture in pictures:
            assert Image.open(io.BytesIO(picture)).size == (640, 360)
        assert pictures[0] == pictures[1]  # where it begins
        told = await tab.told(at(3))
        assert told["panes"][0]["step"] == told["panes"][1]["step"]
        follow, cash = told["panes"]
        assert cash["return"] == 0
        assert follow["return"] == pytest.approx(sum(follow["terms"].values()), abs=1e-4)
        assert set(follow["metrics"]) == {"gain_per_step", "turnover"}
        assert follow["curve"][0] == [0, 0.0]
        assert follow["curve"][-1] == [follow["step"], follow["return"]]

    perform(story, "follow", "cash")


def test_a_pause_holds_and_a_step_is_one():
    async def story(show, tab):
        await tab.told(at(1))
        await tab.say("pause", on=True)
        await asyncio.sleep(0.3)  # what was under way
        before = (await tab.told(lambda told: told["paused"]))["panes"][0]["step"]
        await asyncio.sleep(0.5)
        for number in (1, 2):
            await tab.say("step")
            told = await tab.told(lambda told, number=number: told["panes"][0]["step"] == before + number)
            await asyncio.sleep(0.4)
        assert show._stages[0].episode.length == before + 2
        assert told["paused"]
        await tab.say("pause", on=False)
        await tab.told(at(before + 4))

    perform(story)


def test_a_faster_show_takes_its_steps_in_less_time():
    async def story(show, tab):
        await tab.told(at(1))
        await tab.say("speed", speed=shows.SPEEDS.index(8.0))
        begun = asyncio.get_running_loop().time()
        first = (await tab.told(lambda told: told["speed"] == 5))["panes"][0]["step"]
        await tab.told(at(first + 40))  # 4 s at the world's own ten steps a second
        assert asyncio.get_running_loop().time() - begun < 3.0

    perform(story)


def test_seeds_are_chosen_followed_and_played_again(monkeypatch):
    monkeypatch.setattr(shows, "LINGER", 0.05)

    async def story(show, tab):
        for wish, seed in (("next", 8), ("again", 8)):
            await tab.say(wish)
            await tab.told(lambda told, seed=seed: told["seed"] == seed and told["panes"][0]["step"] == 0)
        await tab.say("seed", seed=12)
        await tab.told(lambda told: told["seed"] == 12)
        await tab.say("speed", speed=len(shows.SPEEDS) - 1)
        told = await tab.told(lambda told: told["seed"] == 13 and told["played"])  # the next by itself
        (played,) = told["played"]
        assert played["seed"] == 12
        assert told["means"]["follow"] == [1, played["returns"]["follow"]]

    perform(story)


def test_while_nobody_looks_it_rests_and_goes_on_where_it_was():
    async def story(show, tab):
        await tab.told(at(2))
        show.leave(tab.viewer)
        await asyncio.sleep(0.3)
        length = show._stages[0].episode.length
        await asyncio.sleep(0.4)
        assert show._stages[0].episode.length == length
        other = Tab(show)
        await other.say("join")
        told = await other.told(at(length + 2))
        assert told["seed"] == 7

    perform(story)


def test_a_person_drives_beside_the_agent_in_the_same_scenario():
    async def story(show, tab):
        other = Tab(show)
        await other.say("join")
        await tab.told(at(2))
        await tab.say("wheel", on=True)
        told = await tab.told(lambda told: told["driver"] == 1)
        assert [pane["name"] for pane in told["panes"]] == ["You", "follow"]
        assert (told["seed"], told["waits"], told["panes"][1]["step"]) == (7, True, 0)
        await asyncio.sleep(0.3)
        assert show._stages[0].episode.length == 0  # until a key is pressed
        await other.say("wheel", on=True)
        assert "somebody else is at the wheel" in await other.told(lambda told: False)
        await other.say("keys", held=["up"])
        assert "you are not at the wheel" in await other.told(lambda told: False)
        await tab.say("keys", held=["up"])
        await tab.say("keys", held=[])  # a short press counts, too
        told = await tab.told(at(3))
        own, agent = told["panes"]
        assert own["step"] == agent["step"]
        assert own["metrics"]["turnover"][0] > 0
        show.leave(tab.viewer)
        told = await other.told(lambda told: told["driver"] is None and len(told["panes"]) == 1)
        assert told["panes"][0]["name"] == "follow"

    perform(story)


def test_who_drives_looks_at_the_end_for_as_long_as_they_like(monkeypatch):
    monkeypatch.setattr(shows, "LINGER", 0.05)

    async def story(show, tab):
        await tab.say("speed", speed=len(shows.SPEEDS) - 1)
        await tab.say("wheel", on=True)
        await tab.told(lambda told: told["waits"] and len(told["panes"]) == 2)
        await tab.say("keys", held=["down"])
        told = await tab.told(lambda told: all(pane["over"] for pane in told["panes"]) and told["played"])
        assert set(told["played"][0]["returns"]) == {"You", "follow"}
        await asyncio.sleep(0.5)
        assert show.seed == 7
        await tab.say("next")
        await tab.told(lambda told: told["seed"] == 8)

    perform(story)


RUBBISH = [
    ("{", "no JSON"),
    ("[1]", "no JSON object"),
    ('{"do": "fly"}', "'fly'; there are join, pause"),
    ('{"do": ["seed"]}', "there are join"),
    ('{"do": "pause"}', "neither true nor false"),
    ('{"do": "speed", "speed": 99}', "speed 99 is not offered; there are 0 to 6"),
    ('{"do": "speed", "speed": true}', "no whole number"),
    ('{"do": "seed", "seed": "../../etc/passwd"}', "'../../etc/passwd' is no whole number"),
    ('{"do": "seed", "seed": -1}', "expected a whole number from 0 to 2147483647"),
    ('{"do": "seed", "seed": 1e999}', "no whole number"),
    ('{"do": "seed", "seed": 99999999999999999999}', "expected a whole number from 0"),
    ('{"do": "keys", "held": "up"}', "expected a list of some of up, down, left, right"),
    ('{"do": "keys", "held": [["up"]]}', "expected a list of some of"),
    ('{"do": "keys", "held": ["up", "up", "up", "up", "up"]}', "expected a list of some of"),
    ('{"do": "keys", "held": []}', "you are not at the wheel; take it first"),
    ('{"do": "wheel", "on": false}', "you are not at the wheel"),
    ('{"do": "wheel", "on": "run:/etc"}', "neither true nor false"),
]


def test_rubbish_is_answered_in_one_line_and_the_show_goes_on():
    async def story(show, tab):
        for text, said in RUBBISH:
            await tab.raw(text)
            answer = await tab.told(lambda told: False)
            assert said in answer
            assert "\n" not in answer
        await tab.told(at(2))

    perform(story)


def test_without_a_wheel_nobody_takes_it():
    async def story(show, tab):
        await tab.say("wheel", on=True)
        assert "there is no wheel here" in await tab.told(lambda told: False)

    perform(story, wheel=False)


def test_a_player_that_fails_loses_its_episode_and_the_show_goes_on():
    async def story(show, tab):
        await tab.told(at(1))
        player = show._agents[0].episode._player
        broken = type("Broken", (), {"act": lambda self, obs, env: 1 / 0})()
        show._agents[0].episode._player = broken
        told = await tab.told(lambda told: told["note"])
        assert told["note"] == "seed 7 cannot go on: division by zero"
        show._agents[0].episode._player = player
        await tab.say("next")
        await tab.told(lambda told: told["seed"] == 8 and not told["note"] and told["panes"][0]["step"] > 1)

    perform(story)


def test_of_pictures_a_viewer_who_is_behind_gets_the_newest_and_messages_come_in_order():
    async def story():
        viewer = viewers.Viewer()
        viewer.tell("first")
        for picture in (b"1", b"2", b"3"):
            viewer.show(picture)
        viewer.tell("second")
        assert [await viewer.next() for _ in range(3)] == ["first", b"3", "second"]
        viewer.show(b"4")
        assert await viewer.next() == b"4"
        for _ in range(viewers.QUEUE + 1):
            viewer.tell("unread")
        assert viewer.dropped
        assert await viewer.next() is None

    asyncio.run(story())
