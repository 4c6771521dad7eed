#!/usr/bin/env bash
# OpenSpiel 2.0.2: in `backgammon`, a double is two actions of the same player, and every other turn one.
#
# One would guess that an action is a turn: 1,352 of them are two checkers with either die first, and a roll is followed
# by one action and then by the other player's roll, so that players take turns and actions count them.
# So it is not: after a double the same player is asked again, with no roll between, unless the first action already
# passed a checker's move; the second action may pass too. Who alternates players, or counts actions as turns or as
# checkers' moves, is wrong in one roll of six.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "open-spiel==2.0.2"

cat > "$place/doubles.py" <<'PYTHON'
import collections
import importlib.metadata
import random
import re

import pyspiel

draw, game = random.Random(0), pyspiel.load_game("backgammon")
turns, passed, shown = collections.Counter(), collections.Counter(), None
for _ in range(100):
    state, names = game.new_initial_state(), []
    while not state.is_terminal():
        if state.is_chance_node():
            outcomes, chances = zip(*state.chance_outcomes())
            outcome = draw.choices(outcomes, chances)[0]
            first, second = re.search(r"roll: (\d)(\d)", state.action_to_string(-1, outcome)).groups()
            state.apply_action(outcome)
            names, players = [], set()
            continue
        action = draw.choice(state.legal_actions())
        players.add(state.current_player())
        names.append(state.action_to_string(state.current_player(), action))
        state.apply_action(action)
        if state.is_chance_node():  # the turn is over
            assert len(players) == 1
            double = first == second
            turns[double, len(names)] += 1
            if double and len(names) == 1:
                passed["Pass" in names[0]] += 1
            if double and len(names) == 2 and "Pass" in names[1]:
                shown = shown or f"a roll of {first}{second}: {names}"

print("open-spiel", importlib.metadata.version("open-spiel"))
print(f"{game.num_distinct_actions()} actions; {shown}")
for (double, actions), count in sorted(turns.items()):
    print(f"{count:6} turns {'after a double' if double else 'after another roll'} with {actions} action(s)")
print(f"of the doubles with one action, {passed[True]} passed a move and {passed[False]} did not")
assert turns[False, 2] == 0 and turns[True, 2] > 5 * turns[True, 1] > 0 and passed[False] == 0, "this has changed"
PYTHON
"$place/venv/bin/python" "$place/doubles.py"
