"""Checks of a page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

# Text against what is painted behind it: WCAG 2.2, 1.4.3. Colours are blended from the outermost background inwards.
_CONTRASTS = """() => {
  const parse = (text) => {
    const found = (text.match(/[\\d.]+/g) ?? []).map(Number);
    return text.startsWith("rgb") ? [found[0], found[1], found[2], found[3] ?? 1] : null;
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const light = (colour) => {
    const linear = (one) => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4;
    const [r, g, b] = colour.map((one) => linear(one / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const paper = parse(getComputedStyle(document.body).backgroundColor).slice(0, 3);
  const behind = (element) => {
    const chain = [];
    for (let one = element; one; one = one.parentElement) chain.unshift(parse(getComputedStyle(one).backgroundColor));
    return chain.filter(Boolean).reduce((below, colour) => over(colour, below), paper);
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!isText || !element.getClientRects().length || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element), colour = parse(element instanceof SVGElement ? style.fill : style.color);
    if (!colour) continue;
    const back = behind(element), [one, other] = [light(over(colour, back)), light(back)];
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05);
    found.push([ratio, `${element.tagName} "${element.textContent.trim().slice(0, 40)}"`]);
  }
  return found;
}"""

# Elements that extend beyond the window, except in a box that scrolls or hides what does not fit.
_OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let one = element.parentElement; one; one = one.parentElement) {
    if (getComputedStyle(one).overflowX !== "visible") return false;
  }
  return true;
}).map((element) => element.outerHTML.slice(0, 80))"""

# Figures without a point, line, bar or tile in them.
_EMPTY = """() => [...document.querySelectorAll(".figure")].filter((figure) =>
  !figure.querySelectorAll(".point, .js-line, .bars path, .heatmaplayer image, .hm").length
).map((figure) => figure.ariaLabel)"""


@contextmanager
def opened(browser: Browser, file: Path, width: int, scheme: str = "light", anchor: str = "") -> Iterator[Page]:
    """Open the page of a file, without a network; at the end, check that it had no errors and requested nothing."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        offline=True,
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(file.as_uri() + anchor)
    yield page
    asked = [entry for entry in wrong if not entry.startswith(("data:", "blob:"))]
    assert asked == []
    context.close()


def unfold(page: Page) -> None:
    """Open all folds, and bring every figure near the window so that it is drawn."""
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.evaluate(
        """async () => {
          for (const figure of document.querySelectorAll(".figure")) {
            figure.scrollIntoView();
            while (!figure.classList.contains("drawn")) await new Promise((done) => setTimeout(done, 10));
          }
        }"""
    )


def empty_figures(page: Page) -> list[str]:
    """Return labels of the figures that show nothing."""
    found: list[str] = page.evaluate(_EMPTY)
    return found


def overflowing(page: Page) -> list[str]:
    """Return elements that extend beyond the right edge; the document itself, if it can be scrolled sideways."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found: list[str] = page.evaluate(_OVERFLOWING)
    return [*found, *(["document"] if wider > 0 else [])]


def faint_texts(page: Page, least: float = 4.5) -> list[str]:
    """Return texts with too little contrast to what is behind them."""
    found: list[tuple[float, str]] = page.evaluate(_CONTRASTS)
    assert len(found) > 20
    return [f"{ratio:.2f}: {words}" for ratio, words in found if ratio < least]
