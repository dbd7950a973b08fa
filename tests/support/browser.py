"""A real Chromium without a window, for tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.support import require
from tests.support.waiting import until

DESKTOP = (1280, 900)
PHONE = (390, 844)
LOAD_S = 15.0


class Chromium(Chrome):
    """With short words for what tests do all the time."""

    def text(self, selector: str) -> str:
        """Text of the first such element, whether it can be seen or not; '' for none."""
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return str(self.execute_script(script, selector))

    def texts(self, selector: str) -> list[str]:
        """What can be read of all such elements, with single spaces."""
        script = """
            return [...document.querySelectorAll(arguments[0])]
                .map((element) => element.innerText.replace(/\\s+/g, " ").trim());
            """
        return list(self.execute_script(script, selector))

    def picture(self, selector: str) -> tuple[int, list[int]]:
        """Width of what an <img> or a <canvas> shows, and its pixels scaled to 8×8 RGBA."""
        width, pixels = self.execute_script(
            """
            const image = document.querySelector(arguments[0]);
            const isBlank = image?.matches("canvas") && !image.closest("[data-shown]");
            const width = image?.naturalWidth ?? image?.width;
            if (!width || isBlank) return [0, []];
            const context = new OffscreenCanvas(8, 8).getContext("2d");
            context.drawImage(image, 0, 0, 8, 8);
            return [width, [...context.getImageData(0, 0, 8, 8).data]];
            """,
            selector,
        )
        return width, pixels

    def wait_for(self, script: str, timeout_s: float = 10.0) -> None:
        """Until a JavaScript expression holds."""
        until(lambda: self.execute_script(f"return {script}"), timeout_s)

    def complaints(self) -> list[str]:
        """Errors on the console, but for requests that were answered with an error or not at all:
        tests take daemons away.
        """
        return [
            entry["message"]
            for entry in self.get_log("browser")
            if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]
        ]

    def faint_texts(self) -> list[str]:
        """Texts whose contrast to what they stand on is below WCAG's AA, of those on a plain ground
        (what lies over a picture has a dark plate of its own, and counts as standing on that).
        """
        return list(self.execute_script(_FAINT_TEXTS))

    def small_targets(self) -> list[str]:
        """Controls that a finger may miss: less than 40 pixels wide or high. Links within text do
        not count, nor ticks, whose words can be tapped too.
        """
        return list(self.execute_script(_SMALL_TARGETS))

    def layout_shift(self) -> float:
        """How far things moved by themselves since the page was loaded; below 0.1 is good."""
        self.execute_script(_LAYOUT_SHIFT)
        self.wait_for("window.shiftRead === true")
        return float(self.execute_script("return window.shift"))

    def emulate(self, *features: tuple[str, str]) -> None:
        """Media features, as ("prefers-color-scheme", "dark")."""
        media: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in features]
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})

    def resize(self, size: tuple[int, int]) -> None:
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


_LAYOUT_SHIFT = """
    window.shift = 0;
    window.shiftRead = false;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            if (!entry.hadRecentInput) window.shift += entry.value;
        }
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => { window.shiftRead = true; }, 100);
    """
_SMALL_TARGETS = """
    const wanted = "button, .button, select, input:not([type=checkbox]), summary, nav a";
    return [...document.querySelectorAll(wanted)]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }))
        .map((one) => [one, one.getBoundingClientRect()])
        .filter(([, { width, height }]) => width < 40 || height < 40)
        .map(([one, { width, height }]) => `${one.id || one.innerText}: ${width} × ${height}`);
    """
_FAINT_TEXTS = """
    const parse = (colour) => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        return { r, g, b, a };
    };
    const over = (front, back) => ({
        r: front.r * front.a + back.r * (1 - front.a),
        g: front.g * front.a + back.g * (1 - front.a),
        b: front.b * front.a + back.b * (1 - front.a),
        a: 1,
    });
    const light = ({ r, g, b }) => {
        const [x, y, z] = [r, g, b].map((value) => {
            const share = value / 255;
            return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const layer = parse(getComputedStyle(at).backgroundColor);
            layers.push(layer);
            if (layer.a === 1) break;
        }
        const white = { r: 255, g: 255, b: 255, a: 1 };
        return layers.reverse().reduce((back, front) => over(front, back), white);
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const words = [...element.childNodes]
            .filter((node) => node.nodeType === Node.TEXT_NODE)
            .map((node) => node.textContent.trim()).join("");
        const style = getComputedStyle(element);
        const isSeen = element.checkVisibility({ visibilityProperty: true });
        if (!words || !isSeen || element.closest(":disabled, svg, .unseen, .skip")) continue;
        const back = ground(element);
        const one = light(over(parse(style.color), back)) + 0.05;
        const other = light(back) + 0.05;
        const contrast = Math.max(one, other) / Math.min(one, other);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (contrast >= (isLarge ? 3 : 4.5)) continue;
        faint.push(`${words.slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
    return faint;
    """


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """Skips the test, or fails it, where the programs are not installed."""
    binary = require.program("chromium", package="chromium")
    driver = require.program("chromedriver", package="chromium-driver")
    options = ChromeOptions()
    options.binary_location = binary
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",  # tests run as root in a container
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    browser = Chromium(options=options, service=Service(driver))
    try:
        browser.set_page_load_timeout(LOAD_S)
        browser.resize(DESKTOP)
        yield browser
    finally:
        browser.quit()
