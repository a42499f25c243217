"""The map of a million galaxies and labels by keys, in Debian's chromium without a window."""

import shutil
import time
from contextlib import suppress

import httpx
from playwright.sync_api import Page, sync_playwright

from catalog.database.connection import connect
from catalog.tasks.tasks import Task, add_task
from catalog.web.labelling.people import PersonError, add_person, remove_person

LABELS = 40
BATCH = 10
PAN_S = 4.0
TASK, WHO = "bench_odd", "bench_ana"
# Frames are counted where the browser draws: each moves the map and waits for the next.
_PAN = """async (seconds) => {
    const canvas = document.querySelector("#map");
    const press = () => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
    const begun = performance.now();
    let frames = 0;
    while (performance.now() - begun < seconds * 1000) {
        press();
        await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
        frames += 1;
    }
    return frames / ((performance.now() - begun) / 1000);
}"""
# Painted is a canvas with something of another colour than its middle has without galaxies.
_PAINTED = """() => {
    const canvas = document.querySelector("#map");
    if (!canvas.width) return false;
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const dots = new Uint32Array(image.data.buffer);
    return dots.some((dot) => dot !== dots[0]);
}"""

_NEXT = """(before) => document.querySelector('#progress').value !== before
    && !document.querySelector('#answers button').disabled"""


def measure(base: str, url: str, parts: list[str]) -> None:
    """Print what a browser sees."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(base_url=base, viewport={"width": 1440, "height": 900})
        context.set_default_timeout(120_000)
        page = context.new_page()
        if "map" in parts:
            _look_at_map(page, base)
        if "keys" in parts:
            _label(page, url)
        browser.close()


def _look_at_map(page: Page, base: str) -> None:
    size = len(httpx.get(f"{base}/page/map", timeout=120).content)
    again = httpx.get(f"{base}/page/map", timeout=120)
    print(f"\nmap: {size / 1e6:.1f} MB, made ready in {again.elapsed.total_seconds():.2f} s")
    page.goto("/")
    begun = time.perf_counter()
    page.click("#show-map")
    page.wait_for_function(_PAINTED, polling="raf")
    print(f"  from the button to the first paint {time.perf_counter() - begun:.2f} s")
    print(f"  pan {page.evaluate(_PAN, PAN_S):.0f} frames a second")


def _label(page: Page, url: str) -> None:
    with connect(url, autocommit=True) as owner:
        add_task(owner, Task(TASK, "How interesting is it?", "interest", ()))
        with suppress(PersonError):
            remove_person(owner, WHO)
        secret = add_person(owner, WHO, "labeller")
    page.goto(f"/enter/{secret}")
    page.get_by_role("button", name="Log in here").click()
    page.goto(f"/label/{TASK}")
    page.wait_for_selector("#queue li")
    waits = []
    begun = time.perf_counter()
    for i in range(LABELS):
        before = page.evaluate("document.querySelector('#progress').value")
        pressed = time.perf_counter()
        page.keyboard.press("0123450123"[i % 10])
        page.wait_for_function(_NEXT, arg=before, polling="raf")
        if before == BATCH - 1:
            waits.append(time.perf_counter() - pressed)
    seconds = time.perf_counter() - begun
    print(f"  {LABELS} ratings by keys in {seconds:.1f} s: {LABELS / seconds * 60:.0f} a minute")
    print("  from the last of a batch to the next batch, s: " + ", ".join(f"{wait:.2f}" for wait in waits))
