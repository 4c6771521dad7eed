import asyncio
import json

import pytest

from quadrivium.commands.pages import hub as hubs
from quadrivium.commands.pages import viewers
from quadrivium.commands.pages.hub import Hub
from quadrivium.commands.pages.ladder import Climb
from quadrivium.commands.pages.offers import Board, Opponent

RANDOM = Opponent("Random", {"as given": "random"}, adviser="mcts:20")
SEARCH = Opponent("Search", {"1": "mcts:5?temperature=1", "2": "mcts:20"}, rated=True, adviser="mcts:20")
BOARDS = (
    Board("tictactoe", "Tic-tac-toe", "TicTacToe", {}, (RANDOM, SEARCH)),
    Board("go-5", "Go", "Go", {"size": 5}, (RANDOM,)),
)
PEOPLE = {"do": "new", "board": "tictactoe", "seats": [None, None], "advice": False}


class Tab:
    """A viewer of a hub, and what it was told."""

    def __init__(self, hub):
        self.hub, self.viewer = hub, hub.enter()

    async def say(self, message):
        await self.hub.hear(self.viewer, message if isinstance(message, str) else json.dumps(message))

    async def told(self, until=lambda message: True, seconds=60):
        async with asyncio.timeout(seconds):
            while True:
                message = json.loads(await self.viewer.next())
                if until(message):
                    return message

    async def begin(self, message):
        await self.say(message)
        return await self.told(lambda m: m["type"] == "error" or m["ready"])


def is_error(message):
    return message["type"] == "error"


def run(tmp_path, story, boards=BOARDS):
    async def told():
        hub = Hub(boards, tmp_path, lambda line: None)
        try:
            await story(hub)
        finally:
            await hub.close()

    asyncio.run(told())


def new(seats="[null, null]", board="tictactoe", advice="true"):
    return f'{{"do": "new", "board": "{board}", "seats": {seats}, "advice": {advice}}}'


def against(opponent, strength=0):
    return new(f'[null, {{"opponent": {opponent}, "strength": {strength}}}]')


RUBBISH = [
    ("{", "no JSON"),
    ("[" * 4000, "no JSON"),
    ("[1]", "no JSON object"),
    ('{"do": "fly"}', "'fly'; there are new, join"),
    ('{"do": ["new"]}', "there are new"),
    ('{"do": "move", "action": 1, "ply": 0}', "no game is open"),
    ('{"do": "join", "id": "../../etc/passwd"}', "no longer open"),
    ('{"do": "join", "id": 3}', "no longer open"),
    (new(board="ludo"), "'ludo' is not offered; there are tictactoe, go-5"),
    (new('"both"'), "expected two"),
    (new('[null, "run:/etc"]'), "a seat is null"),
    (against('"gtp:sh"'), "'gtp:sh' is no whole number"),
    (against(7), "opponent 7 is not offered"),
    (against(-1), "opponent -1 is not offered"),
    (against(0, 3), "strength 3 is not offered"),
    (against(0, '"adapt"'), "'adapt' is no whole number"),
    (new(advice="1"), "'1' is neither true nor false"),
]


def test_rubbish_is_answered_in_one_line_and_the_server_goes_on(tmp_path):
    async def story(hub):
        tab = Tab(hub)
        for text, said in RUBBISH:
            await tab.say(text)
            answer = await tab.told()
            assert answer["type"] == "error", text
            assert said in answer["text"]
            assert "\n" not in answer["text"]
        assert not hub.places
        assert (await tab.begin(PEOPLE))["type"] == "state"

    run(tmp_path, story)


MOVES = [
    ({"action": 9, "ply": 1}, "illegal"),
    ({"action": -1, "ply": 1}, "illegal"),
    ({"action": 10**300, "ply": 1}, "illegal"),
    ({"action": 0, "ply": 1}, "illegal"),
    ({"action": True, "ply": 1}, "no whole number"),
    ({"action": 1.0, "ply": 1}, "no whole number"),
    ({"action": "1"}, "no whole number"),
    ({"action": 1, "ply": 0}, "in another tab"),
]


def test_illegal_moves_are_refused_and_the_game_stays(tmp_path):
    async def story(hub):
        tab = Tab(hub)
        await tab.begin(PEOPLE)
        await tab.say({"do": "move", "action": 0, "ply": 0})
        assert (await tab.told())["ply"] == 1
        for move, said in MOVES:
            await tab.say({"do": "move", **move})
            answer = await tab.told()
            assert answer["type"] == "error", move
            assert said in answer["text"]
        await tab.say({"do": "move", "action": 4, "ply": 1})
        assert (await tab.told())["history"] == ["a3", "b2"]

    run(tmp_path, story)


def test_an_agent_answers_and_the_advice_comes_with_its_value(tmp_path):
    async def story(hub):
        tab = Tab(hub)
        seats = [None, {"opponent": 0, "strength": 0}]
        state = await tab.begin({"do": "new", "board": "tictactoe", "seats": seats, "advice": True})
        assert (state["names"], state["people"], state["yours"]) == (
            ["You", "Random, as given"],
            [True, False],
            True,
        )
        await tab.say({"do": "move", "action": 4, "ply": 0})
        state = await tab.told(lambda m: m["type"] == "state" and m["ply"] == 2 and m["opinion"])
        assert state["toMove"] == 0
        assert state["values"][-1][0] == 2
        legal = {move["action"] for move in state["moves"]}
        assert {move["action"] for move in state["opinion"]["moves"]} <= legal
        await tab.say({"do": "advice", "on": False})
        state = await tab.told(lambda m: m["type"] == "state" and not m["advice"])
        assert (state["opinion"], state["values"]) == (None, [])

    run(tmp_path, story)


def test_two_tabs_see_one_game_and_neither_moves_from_an_old_position(tmp_path):
    async def story(hub):
        one, other = Tab(hub), Tab(hub)
        key = (await one.begin(PEOPLE))["id"]
        await other.say({"do": "join", "id": key})
        assert (await other.told())["ply"] == 0
        await one.say({"do": "move", "action": 4, "ply": 0})
        assert (await other.told())["history"] == ["b2"]
        await other.say({"do": "move", "action": 0, "ply": 0})
        assert "another tab" in (await other.told())["text"]
        await other.say({"do": "move", "action": 0, "ply": 1})
        assert (await one.told(lambda m: m["ply"] == 2))["history"] == ["b2", "a3"]
        hub.leave(other.viewer)
        await one.say({"do": "undo"})
        assert (await one.told())["ply"] == 1

    run(tmp_path, story)


def test_a_viewer_who_does_not_read_is_dropped_and_nobody_waits(tmp_path):
    async def story(hub):
        tab, sleeper = Tab(hub), Tab(hub)
        key = (await tab.begin(PEOPLE))["id"]
        await sleeper.say({"do": "join", "id": key})
        for _ in range(viewers.QUEUE):
            await tab.say({"do": "move", "action": 4, "ply": 0})
            await tab.say({"do": "undo"})
            assert (await tab.told())["ply"] == 1
            assert (await tab.told())["ply"] == 0
        assert sleeper.viewer.dropped
        assert await sleeper.viewer.next() is None

    run(tmp_path, story)


def test_games_are_bounded_and_those_that_nobody_looks_at_make_room(tmp_path, monkeypatch):
    monkeypatch.setattr(hubs, "MAX_SESSIONS", 2)

    async def story(hub):
        tabs = [Tab(hub) for _ in range(3)]
        keys = [(await tab.begin(PEOPLE))["id"] for tab in tabs[:2]]
        answer = await tabs[2].begin(PEOPLE)
        assert "2 games are open, which is the most" in answer["text"]
        hub.leave(tabs[0].viewer)
        assert (await tabs[2].begin(PEOPLE))["type"] == "state"
        assert keys[0] not in hub.places
        assert keys[1] in hub.places
        await tabs[2].say({"do": "join", "id": keys[0]})
        assert "no longer open" in (await tabs[2].told(is_error))["text"]

    run(tmp_path, story)


def test_viewers_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(viewers, "MAX_VIEWERS", 1)

    async def story(hub):
        first = hub.enter()
        assert hub.enter() is None
        hub.leave(first)
        assert isinstance(hub.enter(), viewers.Viewer)

    run(tmp_path, story)


def test_games_against_levels_are_rated_unless_somebody_helped(tmp_path):
    async def finish(tab, state):
        while state["over"] is None:
            move = state["moves"][0]["action"]
            await tab.say({"do": "move", "action": move, "ply": state["ply"]})
            state = await tab.told(lambda m: m["type"] == "state" and (m["yours"] or m["over"]))
        return state

    async def story(hub):
        tab = Tab(hub)
        seats = [None, {"opponent": 1, "strength": "adapt"}]
        wanted = {"do": "new", "board": "tictactoe", "seats": seats, "advice": False}
        hub._ladder(BOARDS[0]).standing = Climb((0.0, 1.0), None, 0, 1)  # who adapts to it chooses level 2
        state = await tab.begin(wanted)
        assert state["names"][1] == "Search, level 2"
        await finish(tab, state)
        state = await tab.told(lambda m: m["standing"]["games"] == 1)
        assert state["rated"]
        assert state["standing"]["rating"] is not None

        state = await tab.begin(wanted | {"seats": [None, {"opponent": 1, "strength": 0}]})
        await tab.say({"do": "move", "action": state["moves"][0]["action"], "ply": 0})
        await tab.told(lambda m: m["type"] == "state" and m["yours"] and m["ply"] == 2)
        await tab.say({"do": "undo"})
        state = await tab.told(lambda m: m["type"] == "state" and m["ply"] == 0)
        state = await finish(tab, state)
        await asyncio.sleep(0.3)
        assert not state["rated"]
        assert hub.standing(BOARDS[0])["games"] == 1

    run(tmp_path, story)


def test_two_agents_play_by_themselves_wait_when_told_and_stop_when_nobody_looks(tmp_path, monkeypatch):
    monkeypatch.setattr(hubs, "PACE", 0.05)
    agent = {"opponent": 0, "strength": 0}

    async def story(hub):
        tab = Tab(hub)
        await tab.begin({"do": "new", "board": "go-5", "seats": [agent, agent], "advice": False})
        state = await tab.told(lambda m: m["ply"] >= 2)
        assert state["people"] == [False, False]
        assert not state["yours"]
        await tab.say({"do": "move", "action": 0, "ply": state["ply"]})
        await tab.told(is_error)
        await tab.say({"do": "pause", "on": True})
        await asyncio.sleep(0.3)
        (place,) = hub.places.values()
        await tab.say({"do": "move", "action": 0, "ply": place.session.ply})
        assert "not your turn" in (await tab.told(is_error))["text"]
        await tab.say({"do": "undo"})
        assert "no move of yours" in (await tab.told(is_error))["text"]
        resting = place.session.ply
        await asyncio.sleep(0.4)
        assert place.session.ply == resting
        await tab.say({"do": "pause", "on": False})
        await tab.told(lambda m: m["type"] == "state" and m["ply"] > resting)
        hub.leave(tab.viewer)
        await asyncio.sleep(0.3)
        resting = place.session.ply
        await asyncio.sleep(0.4)
        assert place.session.ply == resting

    run(tmp_path, story)


def test_a_game_that_breaks_says_so_and_others_go_on(tmp_path):
    async def story(hub):
        tab, other = Tab(hub), Tab(hub)
        await other.begin(PEOPLE)
        state = await tab.begin({**PEOPLE, "seats": [None, {"opponent": 0, "strength": 0}]})
        session = hub.places[state["id"]].session

        def broken():
            raise RuntimeError("out of memory")

        session.think = broken
        await tab.say({"do": "move", "action": 4, "ply": 0})
        state = await tab.told(lambda m: m["type"] == "state" and m["note"])
        assert "this game cannot go on: out of memory" in state["note"]
        await other.say({"do": "move", "action": 4, "ply": 0})
        assert (await other.told())["ply"] == 1

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("player", "said"),
    [
        ("gtp:no-program", "plays Go or Othello"),
        ("run:none", "no run directory"),
        ("mcts:0", "mcts:100"),
    ],
)
def test_an_opponent_that_cannot_be_is_one_line_to_who_asked(tmp_path, player, said):
    boards = (Board("tictactoe", "Tic-tac-toe", "TicTacToe", {}, (Opponent("It", {"as given": player}),)),)

    async def story(hub):
        tab = Tab(hub)
        await tab.say({**PEOPLE, "seats": [{"opponent": 0, "strength": 0}, None]})
        assert said in (await tab.told(is_error))["text"]
        assert not hub.places

    run(tmp_path, story, boards)
