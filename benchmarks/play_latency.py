"""How long the page takes to answer a move: from the click until the opponent's is drawn, in a real browser.

    python benchmarks/play_latency.py [GAME ...] [--moves 50]

The opponent is the built-in search at the level that the page offers first, without advice and with it.
Debian's chromium is driven by Playwright on the same machine, and shares its cores with server and search,
and with whatever else runs there. So the processor time a move of this process (server, search, the browser's
driver) is told, too, and the load of the machine.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from quadrivium.commands.build import use_threads
from quadrivium.commands.pages import offers, server
from quadrivium.commands.pages.hub import Hub

RESULTS = Path(__file__).parent / "results" / "play_latency.json"
GAMES = ("connect_four", "othello", "go", "hex", "chess")
# Resolves with the milliseconds until the answer is drawn; null where the game ends instead.
CLICK = """
([from, to]) => new Promise(done => {
  const board = document.querySelector(".board");
  const wanted = Number(board.dataset.ply) + 2;
  const cell = (at) => document.querySelectorAll(".cell")[at];
  const begun = performance.now();
  const observer = new MutationObserver(() => {
    if (document.querySelector(".record a")) done(null);
    if (Number(board.dataset.ply) < wanted) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
  });
  observer.observe(document.querySelector(".game"), {attributes: true, childList: true, subtree: true});
  const press = (at) => cell(at).dispatchEvent(new MouseEvent("click", {bubbles: true}));
  if (from !== null) press(from);
  press(to);
})
"""


@contextlib.contextmanager
def serving(boards):
    with tempfile.TemporaryDirectory() as directory, server.bind(0) as listener:
        port = listener.getsockname()[1]
        hub = Hub(boards, Path(directory), print)
        running = server.make_server(server.make_app(hub, {}, port, boards[0].key))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port}/", hub
        running.should_exit = True
        thread.join()


def play(page, hub, address, board, moves, advice):
    """Returns the milliseconds of so many answers, and this process's; games are left before they end."""
    spent = []
    while len(spent) < moves:
        page.goto("about:blank")
        page.goto(address)
        page.locator(f"input[value='{board.key}']").check(force=True)
        page.get_by_label("show what the search thinks").set_checked(advice)
        page.get_by_role("button", name="Play", exact=True).click()
        page.wait_for_selector(".board.yours", timeout=120_000)
        (place,) = [one for one in hub.places.values() if one.viewers]
        session, width = place.session, place.session.game.width
        for turn in range(10):
            page.wait_for_selector(".board.yours, .record a")
            state = json.loads(place.state(None))
            if state["over"] or len(spent) == moves:
                break
            ways = [move for move in state["moves"] if move["to"]]
            move = ways[(7 * turn + len(ways) // 2) % len(ways)]
            alike = [one for one in ways if (one["from"], one["to"]) == (move["from"], move["to"])]
            if session.ply > 30 or len(alike) > 1:  # a promotion asks what for
                break
            cells = [None if at is None else at[0] * width + at[1] for at in (move["from"], move["to"])]
            begun = time.process_time()
            answer = page.evaluate(CLICK, cells)
            if answer is not None:
                spent.append((answer, 1000 * (time.process_time() - begun)))
    return spent


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("games", nargs="*", default=GAMES)
    arguments.add_argument("--moves", type=int, default=50)
    chosen = arguments.parse_args()
    use_threads("auto")
    found = {"cores": os.cpu_count(), "moves": chosen.moves, "games": {}}
    boards = [offers.boards(game, {}, [], print)[0] for game in chosen.games]
    with sync_playwright() as playwright, serving(boards) as (address, hub):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        for board in boards:
            for advice in (False, True):
                begun = time.perf_counter()
                spent = play(page, hub, address, board, chosen.moves, advice)
                answers, processor = zip(*spent, strict=True)
                row = {
                    "median_ms": round(statistics.median(answers), 1),
                    "p95_ms": round(sorted(answers)[int(0.95 * len(answers))], 1),
                    "processor_median_ms": round(statistics.median(processor), 1),
                    "load_average": round(os.getloadavg()[0], 1),
                }
                told = "with advice" if advice else "without advice"
                found["games"].setdefault(board.title, {})[told] = row
                print(f"{board.title}, {told}: {row} ({time.perf_counter() - begun:.0f} s)", flush=True)
        browser.close()
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
