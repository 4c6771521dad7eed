"""Watching in a real browser: by mouse and keyboard, at the wheel, on a phone, and what a policy looks at."""

import pytest

from quadrivium.commands.pages.casting import Cast, read_cast
from quadrivium.commands.pages.watch import make_show
from tests.commands.pages.browser import launch, require_browser
from tests.commands.pages.serving import serving_show

HIGHWAY = {"vehicles": 6, "duration": 10, "split": "test"}


def cast(*players, world="Highway", **kwargs):
    return Cast(f"quadrivium/{world}-v0", HIGHWAY | kwargs, 3, players)


@pytest.fixture(scope="module")
def chromium():
    require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium):
    """Opens the page of a cast; its scripts may raise nothing, and may ask nobody else for anything."""
    wrong, contexts, servers = [], [], []

    def open_page(cast, width=1280, height=800, **context):
        served = serving_show(make_show(cast, lambda line: None))
        address = f"http://127.0.0.1:{served.__enter__()}/"
        servers.append(served)
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}, **context))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.on(
            "request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(address) else None
        )
        page.goto(address)
        page.wait_for_selector(".watch[data-step]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    for served in servers:
        served.__exit__(None, None, None)
    assert [one for one in wrong if not one.startswith("data:")] == []


def step(page):
    return int(page.get_attribute(".watch", "data-step"))


def reaches(page, number):
    page.wait_for_function(
        "number => Number(document.querySelector('.watch').dataset.step) >= number", arg=number
    )


def painted(page, number):
    """Returns how many colours a canvas shows."""
    script = """number => {
        const canvas = document.querySelectorAll('.pane canvas')[number];
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const found = new Set();
        for (let at = 0; at < data.length; at += 4) found.add(data.slice(at, at + 3).join());
        return found.size;
    }"""
    return page.evaluate(script, number)


def marked(page):
    """Returns how many pixels of the first canvas are of an explanation's green or magenta."""
    script = """() => {
        const canvas = document.querySelector('.pane canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const near = (at, colour) => colour.every((value, k) => Math.abs(data[at + k] - value) < 12);
        const inks = [[19, 138, 54], [208, 22, 140]];
        let found = 0;
        for (let at = 0; at < data.length; at += 4) found += inks.some((ink) => near(at, ink));
        return found;
    }"""
    return page.evaluate(script)


def test_two_players_are_watched_by_keyboard_alone(opened):
    page = opened(cast("idm_mobil", "idle"))
    assert page.locator(".pane h2").all_inner_texts() == ["idm_mobil", "idle"]
    reaches(page, 2)
    assert min(painted(page, 0), painted(page, 1)) > 20
    page.keyboard.press("p")
    page.get_by_role("status").filter(has_text="Paused").wait_for()
    page.wait_for_timeout(300)
    before = step(page)
    page.wait_for_timeout(1300)  # longer than a step
    assert step(page) == before
    page.keyboard.press(".")
    reaches(page, before + 1)
    page.wait_for_timeout(1300)
    assert step(page) == before + 1
    assert page.locator(".terms tbody th", has_text="speed").count() == 1
    assert page.locator(".metrics tbody tr").count() == 11
    assert page.locator(".curve polyline").count() == 2
    page.keyboard.press("n")
    page.wait_for_selector(".watch[data-seed='4']")
    page.get_by_label("Seed of the scenario").fill("77")
    page.keyboard.press("Enter")
    page.wait_for_selector(".watch[data-seed='77']")
    page.keyboard.press("+")
    page.wait_for_function("() => document.querySelector('.desk select').value === '3'")
    page.get_by_label("Seed of the scenario").fill("seven")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="'seven' is no whole number").wait_for()


def test_a_car_is_driven_by_numbered_actions_beside_the_agent(opened):
    page = opened(cast("idm"))
    page.get_by_role("button", name="Take the wheel").click()
    page.get_by_text("Press an arrow key").wait_for()
    assert page.locator(".pane h2").all_inner_texts() == ["You", "idm"]
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.down("ArrowDown")
    assert page.locator(".key.held").get_attribute("data-key") == "down"
    page.get_by_text("You reached").wait_for()
    page.keyboard.up("ArrowDown")
    own, other = page.locator(".pane .total").all_inner_texts()
    assert own in page.get_by_text("You reached").inner_text()
    speeds = page.locator(".metrics tr", has_text="mean speed").locator("td").all_inner_texts()
    assert float(speeds[0]) < float(speeds[1])  # who held "slower" was
    assert page.locator(".episodes tbody tr").first.locator("td").all_inner_texts() == [own, other]
    page.keyboard.press("r")
    page.wait_for_function("() => Number(document.querySelector('.watch').dataset.step) < 3")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelectorAll('.pane').length === 1")


def test_a_robot_is_driven_by_two_numbers(opened):
    page = opened(
        Cast("quadrivium/CrowdNav-v0", {"split": "test", "drive": "differential"}, 3, ("straight_line",))
    )
    page.keyboard.press("t")
    page.get_by_text("Press an arrow key").wait_for()
    page.keyboard.down("w")
    reaches(page, 6)
    assert float(page.locator(".metrics tr", has_text="path length").locator("td").first.inner_text()) > 0.5
    page.keyboard.up("w")


def test_one_tab_is_at_the_wheel_and_another_looks_on(opened):
    page = opened(cast("idm"))
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector(".watch[data-step]")
    page.keyboard.press("t")
    other.get_by_text("Somebody has taken the wheel").wait_for()
    assert other.get_by_role("button", name="The wheel is taken").is_disabled()
    page.close()
    other.get_by_role("button", name="Take the wheel").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phones_width_holds_the_show_and_the_wheel(opened, scheme):
    page = opened(cast("idm_mobil", "idle"), width=390, height=844, color_scheme=scheme, has_touch=True)

    def fits():
        return page.evaluate("document.documentElement.scrollWidth") <= 390

    reaches(page, 1)
    assert fits()
    page.get_by_role("button", name="Take the wheel").tap()
    page.wait_for_selector(".pad")
    assert fits()
    box = page.locator(".pad").bounding_box()
    assert box["y"] + box["height"] <= 844  # in reach of a thumb, without scrolling
    page.locator(".key.up").dispatch_event("pointerdown")
    reaches(page, 1)
    page.locator(".key.up").dispatch_event("pointerup")
    assert page.locator(".key.held").count() == 0


def test_what_a_policy_looks_at_is_shown_by_a_key_and_by_a_phones_button(opened):
    words = ["model:merge_ppo", "idm_mobil"]
    page = opened(
        read_cast(words, lambda env_id: {}, 3, lambda line: None), width=390, height=844, has_touch=True
    )
    page.keyboard.press("p")
    page.get_by_role("status").filter(has_text="Paused").wait_for()
    assert marked(page) == 0
    assert page.locator(".looked:visible").count() == 0
    page.keyboard.press("e")
    first, second = page.locator(".looked").all()
    first.locator("tbody tr").first.wait_for()
    page.wait_for_function("() => !document.querySelector('.looked.waits')")
    assert "has no network to explain" in second.inner_text()
    assert f"after {step(page)} step" in first.inner_text()
    assert marked(page) > 50
    headings = first.locator("thead th").all_inner_texts()
    assert headings == ["action", "value"]
    by_action = first.locator("tbody tr").all_inner_texts()
    first.get_by_label("What is explained").select_option("value")
    page.wait_for_function("() => document.querySelector('.looked td.chosen:nth-of-type(2)')")
    assert first.locator("tbody tr").all_inner_texts() != by_action
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="What it looks at", pressed=True).tap()
    page.get_by_role("button", name="What it looks at", pressed=False).wait_for()
    page.wait_for_function("() => document.querySelector('.looked').hidden")
    page.keyboard.press(".")
    reaches(page, step(page))
    page.wait_for_timeout(500)
    assert marked(page) == 0
