"""The pages in a real browser: as people use them, by mouse and by keyboard, wide and narrow."""

import pytest

from tests.commands.pages.browser import launch, require_browser
from tests.commands.pages.serving import serving
from tests.commands.running import run_evaluate
from tests.commands.tournaments import SMALL


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    require_browser()
    directory = tmp_path_factory.mktemp("pages")
    config = directory / "config.yaml"
    text = SMALL.replace('{name: searcher, player: "mcts:200"}', "mcts:5").replace("ConnectFour", "TicTacToe")
    config.write_text(text.replace("games: 20", "games: 4"))
    assert run_evaluate(directory, "tournament", config) == 0
    with serving(directory / "runs") as (port, _):
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture(scope="module")
def chromium(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, address):
    """A page whose scripts may raise nothing, and which may ask nobody else for anything."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.on(
        "request",
        lambda request: wrong.append(request.url) if not request.url.startswith((address, "data:")) else None,
    )
    yield page
    context.close()
    assert wrong == []


def choose(page, address, board, first="", second="0", advice=False):
    """Begins a game; "" is a person, a number an opponent."""
    page.goto(address)
    page.locator(f"input[value='{board}']").check(force=True)
    page.locator(".seats select").nth(0).select_option(first)
    page.locator("fieldset").nth(1).locator("select").nth(0).select_option(second)
    page.get_by_label("show what the search thinks").set_checked(advice)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_selector(".board.yours" if "" in (first, second) else ".board")


def ply(page, number):
    page.wait_for_selector(f".board[data-ply='{number}']")


def test_a_game_is_played_by_mouse_to_its_end_and_kept(page, address):
    choose(page, address, "tic_tac_toe", second="")
    for number, cell in enumerate(["a3", "a2", "b3", "b2", "c3"], 1):
        page.locator(f"[aria-label^='{cell}: empty, can be played']").click()
        ply(page, number)
    assert page.get_by_role("status").filter(has_text="has won").count() == 1
    assert page.locator(".cell.open").count() == 0
    assert "last move" in page.locator("[aria-label^='c3']").get_attribute("aria-label")
    with page.expect_download() as download:
        page.get_by_role("link", name="Keep the game as a file").click()
    assert download.value.suggested_filename == "tic_tac_toe.txt"
    assert "1-0 (rules)" in download.value.path().read_text()


def test_a_game_is_played_by_keyboard_alone(page, address):
    choose(page, address, "connect_four", second="1")
    page.keyboard.press("Tab")
    page.locator("[role=gridcell][tabindex='0']").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("d6: empty")
    ring = "getComputedStyle(document.activeElement.querySelector('.focus')).stroke"
    assert page.evaluate(ring) != "none"
    page.keyboard.press("Enter")
    ply(page, 2)
    assert page.locator("[aria-label^='d1: red stone']").count() == 1
    page.keyboard.press("u")
    ply(page, 0)
    page.keyboard.press("a")
    page.wait_for_selector("button[aria-pressed='true']")
    page.wait_for_selector(".over circle.search")
    page.keyboard.press("r")
    page.get_by_role("button", name="Really?").wait_for()
    page.keyboard.press("r")
    page.get_by_text("has won: the other resigned").wait_for()
    page.keyboard.press("n")
    page.wait_for_selector(".lobby")


def test_advice_is_shown_on_the_board_beside_it_and_as_a_bar(page, address):
    choose(page, address, "tic_tac_toe", second="", advice=True)
    for number, cell in enumerate(["a3", "a2", "b3", "b2"], 1):
        page.locator(f"[aria-label^='{cell}: empty']").click()
        ply(page, number)
    page.locator(".thoughts tbody th", has_text="c3").first.wait_for()  # it wins at once
    assert page.locator(".thoughts tbody th").first.inner_text() == "c3"
    assert page.locator(".over circle.search").count() >= 1
    page.locator(".bar[aria-label='Expected result for x: +1.00']").wait_for()
    assert page.locator(".chart polyline").count() == 1


def test_a_pawn_is_moved_in_two_clicks_and_becomes_what_is_chosen(page, address):
    choose(page, address, "chess", second="")
    moves = ["a2 a4", "b7 b5", "a4 b5", "a7 a6", "b5 a6", "h7 h6", "a6 a7", "h6 h5"]
    for number, move in enumerate(moves, 1):
        start, end = move.split()
        page.locator(f"[aria-label^='{start}:']").click()
        assert "chosen" in page.locator(f"[aria-label^='{start}:']").get_attribute("aria-label")
        page.locator(f"[aria-label^='{end}:']").click()
        ply(page, number)
    page.locator("[aria-label^='a7:']").click()
    page.locator("[aria-label^='b8:']").click()
    page.get_by_role("button", name="Knight").click()
    ply(page, 9)
    assert page.locator("[aria-label^='b8: white knight']").count() == 1
    assert "axb8=N" in page.locator(".moves").inner_text()


def test_the_moves_of_a_turn_of_backgammon_stand_together(page, address):
    choose(page, address, "backgammon", second="")
    assert page.locator("[aria-label^='6: 5 white'] circle.fill").count() == 5  # piled up on their point
    for number in range(1, 4):  # no opening roll is a double: white moves two checkers
        page.locator(".cell.open").first.click()
        page.locator("[aria-label*='can be played']").first.click()
        ply(page, number)
    assert page.locator(".moves li").count() == 1
    white, black = page.locator(".moves li > div").all()
    assert [side.locator("span").count() for side in (white, black)] == [2, 1]


def test_two_tabs_show_one_game_and_a_reload_comes_back_to_it(page, address):
    choose(page, address, "tic_tac_toe", second="")
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector(".board.yours")
    page.locator("[aria-label^='b2: empty']").click()
    other.wait_for_selector("[aria-label^='b2: x stone']")
    other.locator("[aria-label^='a1: empty']").click()
    page.wait_for_selector("[aria-label^='a1: o stone']")
    page.reload()
    ply(page, 2)
    assert page.locator("[aria-label^='b2: x stone']").count() == 1
    page.goto(address + "#/game/none")
    page.get_by_text("no longer open").first.wait_for()


def test_a_foreign_page_gets_no_socket(chromium, address):
    page = chromium.new_page()
    page.goto("data:text/html,<p>elsewhere</p>")
    host = address.removeprefix("http://")
    script = f"""new Promise(done => {{
        const socket = new WebSocket('ws://{host}play');
        socket.onopen = () => done('open');
        socket.onerror = () => done('refused');
    }})"""
    assert page.evaluate(script) == "refused"
    page.close()


def test_a_tournament_is_shown_and_its_games_replayed(page, address):
    page.goto(address + "#/arena")
    page.get_by_role("link", name="small").click()
    ratings = page.locator(".ratings tbody tr")
    ratings.first.wait_for()
    assert ratings.count() == 3
    assert page.locator(".cross tbody td.share").count() == 6
    assert page.locator(".games tbody tr").count() == 12
    page.get_by_label("Games of").select_option("random")
    assert page.locator(".games tbody tr").count() == 8
    page.locator(".games a").first.click()
    ply(page, 0)
    page.keyboard.press("ArrowRight")
    ply(page, 1)
    assert "of the opening" in page.locator(".status").inner_text()
    page.keyboard.press("End")
    moves = page.locator(".moves button").count()
    ply(page, moves)
    assert page.locator(".moves .now").inner_text() == page.locator(".moves button").last.inner_text()
    page.locator(".moves button").nth(2).click()
    ply(page, 3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phones_width_holds_every_page(chromium, address, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)

    def fits():
        return page.evaluate("document.documentElement.scrollWidth") <= 390

    choose(page, address, "connect_four", second="1", advice=True)
    page.locator("[aria-label^='d1:']").click()
    ply(page, 2)
    assert fits()
    board = page.locator(".board").bounding_box()
    assert board["width"] > 330
    assert board["y"] + board["height"] < 700  # without scrolling
    page.goto(address)
    page.wait_for_selector(".tile")
    assert fits()
    page.goto(address + "#/arena/small")
    page.wait_for_selector(".ratings")
    assert fits()
    context.close()
