"""The slider moved step by step over forty cells, and a scroll through all images."""

from itertools import chain, pairwise
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.viewer.browser import GRID_CELL, fresh_page, open_until, page_until, serving
from benchmarks.viewer.findings import Moves, Spread
from benchmarks.viewer.stores import PER_STEP, StorePlan, run_name

_PAUSE_MS = 300
_SCROLL_PX = 15_000
_SCROLL_PX_PER_SEC = 3000


def measure_moves(browser: Browser, store: Path, plan: StorePlan) -> Moves:
    """Move through the steps of each run that show pictures for the first time, and scroll."""
    steps = plan.files_per_run // PER_STEP - 1
    with serving(store) as server:
        for run in range(plan.runs):  # so that the server is warm
            _slide(browser, server.url, run, steps, 0)
        half = max(1, plan.runs // 2)
        held = [_slide(browser, server.url, run, steps, 0) for run in range(half)]
        paced = [
            _slide(browser, server.url, run, steps, _PAUSE_MS) for run in range(half, plan.runs)
        ]
        frames, scrolled_px = _scroll(browser, server.url)
    times = [later - earlier for earlier, later in pairwise(frames)]
    return Moves(
        held_ms=Spread.of(list(chain.from_iterable(held))),
        paced_ms=Spread.of(list(chain.from_iterable(paced))),
        frames_per_sec=1000 * len(times) / (frames[-1] - frames[0]),
        frame_ms=Spread.of(times),
        num_scrolled_px=scrolled_px,
    )


def _slide(browser: Browser, url: str, run: int, steps: int, pause_ms: int) -> list[float]:
    """Press the key of the next step again and again; return each time to painted."""
    with fresh_page(browser) as page:
        address = f"{url}?runs={run_name(run)}&cell={GRID_CELL}&at=0"
        open_until(page, address, f"isAt(0, {PER_STEP})")
        return [_step_ms(page, step, pause_ms) for step in range(1, steps + 1)]


def _step_ms(page: Page, step: int, pause_ms: int) -> float:
    page.wait_for_timeout(pause_ms)
    page.evaluate(f"() => {{ window.moved = bench.when(() => bench.isAt({step}, {PER_STEP})) }}")
    page.keyboard.press(".")
    painted_ms, pressed_ms = page.evaluate("async () => [await moved, bench.pressed]")
    return float(painted_ms - pressed_ms)


def _scroll(browser: Browser, url: str) -> tuple[list[float], float]:
    """Scroll through what Find lists, which is all; return when each frame was, and how far."""
    with fresh_page(browser) as page:
        open_until(page, f"{url}?view=find", "isAnyPainted()")
        box = page.locator(".scroller").bounding_box()
        if box is None:
            raise SystemExit("there is nothing to scroll in Find")
        devtools = page.context.new_cdp_session(page)
        page.evaluate("() => bench.traceFrames()")
        devtools.send(
            "Input.synthesizeScrollGesture",
            {
                "x": box["x"] + box["width"] / 2,
                "y": box["y"] + box["height"] / 2,
                "yDistance": -_SCROLL_PX,
                "speed": _SCROLL_PX_PER_SEC,
                "gestureSourceType": "mouse",
            },
        )
        frames: list[float] = page.evaluate("() => bench.endTrace()")
        scrolled: float = page.locator(".scroller").evaluate("element => element.scrollTop")
        page_until(page, "isAnyPainted()")
    return frames, scrolled
