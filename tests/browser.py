"""A headless Chromium for tests: finding it, opening a report in it, asking the page."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

VARIABLE = "SALESDIAG_TEST_BROWSER"
NO_BROWSER = "none"  # asked for: do not look for one, not even in CI
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROBES = Path(__file__).with_name("report_probes.js").read_text(encoding="utf-8")
LISTEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation",
    (event) => window.broken.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""


def browser_path() -> str:
    """Give the browser's path; without one, skip, or fail where everything must run."""
    named = os.environ.get(VARIABLE, "")
    if named == NO_BROWSER:
        pytest.skip(f"no browser wanted: {VARIABLE} is {NO_BROWSER!r}")
    found = named or next(filter(None, map(shutil.which, COMMANDS)), "")
    if not found:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell(f"no browser: none of {', '.join(COMMANDS)} on the PATH, {VARIABLE} names none")
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    path = browser_path()
    api = pytest.importorskip("playwright.sync_api", reason="needs salesdiag[test]")
    # Chromium keeps its sandbox but for root, for whom it has none
    sandboxed = not (hasattr(os, "geteuid") and os.geteuid() == 0)
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, chromium_sandbox=sandboxed)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """An open report, and what it asked for and complained of while it was open."""

    page: Page
    url: str
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def ask(self, probe: str) -> Any:
        """Call a function of report_probes.js in the page."""
        return self.page.evaluate(f"{PROBES.strip()}.{probe}()")

    def finds_none(self, probe: str) -> None:
        """Fail with all that a probe finds, a line each."""
        found = self.ask(probe)
        if found:
            pytest.fail(f"{probe}, {len(found)}:\n" + "\n".join(found[:40]), pytrace=False)

    def _meet(self, route: Route) -> None:
        self.asked.append(route.request.url)
        if route.request.url.partition("#")[0] == self.url:
            route.continue_()
        else:
            route.abort()

    def listen(self) -> None:
        self.page.route("**/*", self._meet)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(LISTEN)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@contextmanager
def visit(browser: Browser, report: Path, *, width: int = 1440, **how: Any) -> Iterator[Visit]:
    """Open a report in a window of its own."""
    context = browser.new_context(viewport={"width": width, "height": 900}, **how)
    try:
        one = Visit(context.new_page(), report.as_uri())
        one.listen()
        one.page.goto(one.url)
        yield one
    finally:
        context.close()


def bare(text: str) -> str:
    """Leave out white space and ligatures, which a printer puts where it likes."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))
