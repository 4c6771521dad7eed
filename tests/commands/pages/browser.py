"""A real browser for tests: Debian's Chromium, without a screen."""

import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


def require_browser():
    """Skips the test where Debian's chromium is missing; fails it where CI is set, which installs it."""
    if not os.access(CHROMIUM, os.X_OK):
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: CI is set, and .ci/run installs Debian's package chromium")
        pytest.skip("Debian's chromium is not installed")


def launch(playwright):
    """Returns the browser; without its sandbox, which an administrator's account has none of."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
