"""The programs on the page of market data run, and what it says they print is what they print."""

import re
from pathlib import Path

import pytest

from quadrivium.envs.trading.market.features import FEATURES

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "market_data.md").read_text(encoding="utf-8")


def test_the_programs_of_the_page_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(program, names)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] in " ".join(PAGE.split())
    assert "(100, 500, 3)" in printed
    assert sum("Split(train=slice(0, " in line for line in printed) == 3


def test_every_feature_is_on_the_page() -> None:
    assert set(FEATURES) <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
