"""A real browser for the journeys: Debian's Chromium, driven by playwright, that remembers what went wrong on a page."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Generator
from typing import Any

from patience import PATIENCE_S
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
_PATIENCE_MS = PATIENCE_S * 1000
"""Playwright's own is 30 seconds for everything."""
_SWITCHES = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]

CONTRASTS = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const channel = (value) => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest(".hidden, .skip")) continue;
    const [one, other] = [light(numbers(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) found.push(`${ratio.toFixed(2)}: ${walk.currentNode.data.trim().slice(0, 40)}`);
  }
  return found;
}"""
"""Texts that stand out too little from what is behind them: https://www.w3.org/TR/WCAG22/#contrast-minimum"""

UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a, svg[role=img]")]
  .filter((one) => !(one.labels?.length || one.textContent.trim() || one.getAttribute("aria-label")))
  .map((one) => one.outerHTML.slice(0, 100))"""
"""What can be used and has no name for those who do not see it."""


class Tab:
    """A page, and everything that a reader must never meet: errors, broken policies, dialogs."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", self._on_dialog)

    def overflow(self) -> int:
        """By how much the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - innerWidth")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextlib.contextmanager
def chromium() -> Generator[Browser]:
    """The browser, for the block."""
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=_SWITCHES, timeout=_PATIENCE_MS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def tab(browser: Browser, **settings: Any) -> Generator[Tab]:
    """A tab of a browser without a past, for the block."""
    context = browser.new_context(**{"viewport": WIDE, **settings})
    context.set_default_timeout(_PATIENCE_MS)
    try:
        yield Tab(context.new_page())
    finally:
        context.close()
