"""The site in headless Chromium, from a file and from a server: what a person does with it, by mouse and by keyboard."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import raw_times
from site_data import BOARD, HOSTILE, Reading, item, some
from site_media import Forms, answered, calls, clip, films

from bench.leaderboard import board as boards
from bench.record import Run, Span, Timing
from bench.runs.journal import LEDGER, of_timing
from bench.site import Item, write_site

pytestmark = pytest.mark.slow
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
Make = Callable[..., Run]
N_LARGE = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as session:
        opened = session.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


PRICE = {
    "name": "own",
    "currency": "USD",
    "per_hour": 0.5,
    "per_million": None,
    "date": "2026-01-01",
    "source": "a bill",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, run_record: Make) -> Path:
    """Four models on 45 questions with pictures, one of them verified; hostile ones on the same questions."""
    folder, task = tmp_path_factory.mktemp("site"), Reading(45, pictures=True)
    times = run_record().timings
    late = "2026-02-02T00:00:00+00:00"
    items = [
        item(folder / "r1", run_record, task, "quick", some(2), price=PRICE),
        item(
            folder / "r2", run_record, task, "good", lambda i: None if i == 44 else some(10)(i), created=late,
            timings=times | {"examples_per_second": 1.1}, price=PRICE,
        ),
        item(
            folder / "r4", run_record, task, "vouched", some(3), created=late, origin={"verified": {"date": "2026-02-03"}}
        ),
        item(folder / "r3", run_record, task, "floor", lambda i: "no", is_reference=True),
        *(
            item(
                folder / f"h{i}", run_record, task, name, lambda _, name=name: name, origin={"submitter": name}, run_id=name
            )
            for i, name in enumerate(HOSTILE)
        ),
    ]  # fmt: skip
    items[:3] = [timed(one, 0.01 * (i + 1)) for i, one in enumerate(items[:3])]
    tables = boards.tables(BOARD, [one.run for one in items])
    write_site(folder / "site", [(BOARD, tables)], items, task_of=lambda name: task)
    return folder / "site"


def timed(one: Item, seconds: float) -> Item:
    """The run with readings of two scenarios and a ledger."""
    assert one.folder is not None
    answers = {"single_stream": raw_times.single_stream(70, seconds), "server": raw_times.server(80, 8.0, seconds)}
    rates = {"single_stream": None, "server": 8.0}
    found = {name: raw_times.write(one.folder, name, lines, qps=rates[name]) for name, lines in answers.items()}
    readings = [
        Timing(1, "begin", 0.0, at="2026-01-02T03:04:05+00:00", spans=(Span("import", -1.0, 0.5), Span("prepare", -0.5, 0.5))),
        Timing(1, "load", 2.0, start=0.0), Timing(1, "predict", 3.0, n=45, batch=0, places=(*range(45),), start=2.5,
               spans=(Span("tokenise", 2.6, 0.4, track="prepare"), Span("prefill", 2.6, 1.0, 45, 900), Span("decode", 3.6, 1.5))),
        Timing(1, "lost", 1.0), Timing(1, "score", 0.5, start=6.0),
    ]  # fmt: skip
    (one.folder / LEDGER).write_text("".join(of_timing(reading) + "\n" for reading in readings))
    return Item(replace(one.run, scenarios=found), one.folder)


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[str]:
    with _serving(site) as address:
        yield address


@pytest.fixture(params=["file", "http"])
def root(request: pytest.FixtureRequest, site: Path) -> str:
    return site.as_uri() if request.param == "file" else str(request.getfixturevalue("served"))


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; at the end no page may have logged an error, been hacked, or asked for what is outside its site."""
    contexts, faults, asked = [], [], []

    def make(address: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(f"dialog {dialog.message}"))
        page.on("request", lambda sent: asked.append(sent.url))
        page.goto(address)
        return page

    make.asked = asked  # type: ignore[attr-defined]
    yield make
    for context in contexts:
        for page in context.pages:
            assert page.evaluate("window.hacked") is None
        context.close()
    assert faults == []


def _name(site: Path, kind: str, start: str) -> str:
    return next(path for path in sorted((site / kind).iterdir()) if path.name.startswith(start)).name


def _board(site: Path) -> str:
    return "boards/" + _name(site, "boards", "reading")


def _column(page: Any, table: str, place: int) -> list[str]:
    return [cell.strip() for cell in page.locator(f"{table} tbody tr:visible > :nth-child({place})").all_inner_texts()]


def test_a_heading_sorts_by_click_and_by_the_keyboard(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/{_board(site)}")
    heading = page.locator("table.points th", has=page.get_by_role("button", name="f1", exact=True)).first
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    scores = [float(text) for text in _column(page, "table.points", 4)]
    assert scores == sorted(scores)
    page.locator("table.points th button").first.focus()
    for _ in range(10):
        if page.evaluate("document.activeElement.textContent") == "f1":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in _column(page, "table.points", 4)] == sorted(scores, reverse=True)
    assert page.locator("th[aria-sort]").count() == 1


def test_rows_are_filtered_by_text_and_by_origin(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/{_board(site)}")
    rows = len(HOSTILE) + 4
    page.get_by_label("Filter").fill("good")
    assert _column(page, "table.points", 3) == ["good"]
    assert page.locator("#filtered").inner_text() == f"1 of {rows} rows"
    page.get_by_label("Filter").fill("")
    page.get_by_label("Origin").select_option("verified")
    assert _column(page, "table.points", 3) == ["vouched"]
    page.get_by_label("Origin").select_option("self-reported")
    assert page.locator("table.points tbody tr:visible").count() == len(HOSTILE)


def test_the_charts_are_drawn_with_links_and_a_sentence(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/{_board(site)}")
    for axis in ("time", "cost", "progress"):
        figure = page.locator(f"figure[data-chart={axis}]")
        assert figure.locator("svg a").count() >= 2
        assert len(figure.locator("figcaption").inner_text()) > 20
    figure = page.locator("figure[data-chart=time]")
    link = figure.locator('svg a[aria-label^="good:"]')
    assert link.get_attribute("aria-label") == "good: 92.2, on the front"  # 5 of 45 half right, 1 failed
    assert "good" in (figure.locator("svg").text_content() or "")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/reading-good*")


def test_examples_are_paged_to_the_last_sorted_filtered_and_found(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/runs/{_name(site, 'runs', 'reading-good')}")
    cards = page.locator("article.example")
    cards.first.wait_for()
    assert cards.count() == 20
    assert "Secret question 0?" in cards.first.inner_text()
    page.get_by_role("button", name="Last").first.click()
    page.get_by_text("Examples 41 to 45 of 45").wait_for()
    assert cards.count() == 5
    assert "out of memory" in cards.last.inner_text()
    assert page.get_by_role("button", name="Next").first.is_disabled()
    page.get_by_label("Order").select_option("worst")
    page.locator("nav.pages input").first.fill("1")
    page.keyboard.press("Enter")
    page.get_by_text("Examples 1 to 20 of 45").wait_for()
    assert "q44" in cards.nth(0).inner_text()
    assert "wrong 0" in cards.nth(1).inner_text()
    page.get_by_label("Show").select_option("failed")
    page.get_by_text("Examples 1 to 1 of 1 (of 45)").wait_for()
    page.get_by_label("Show").select_option("all")
    page.get_by_label("Text", exact=True).fill("question 33")
    page.get_by_text("Examples 1 to 1 of 1 (of 45)").wait_for()
    assert "q33" in cards.first.inner_text()
    page.get_by_label("Id or number").fill("q7")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Example 8'")


def test_an_address_leads_to_its_page_of_examples(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/runs/{_name(site, 'runs', 'reading-good')}#page=3&sort=best&show=all")
    page.get_by_text("Examples 41 to 45 of 45").wait_for()
    assert page.get_by_label("Order").input_value() == "best"


def test_pictures_are_shown_with_a_text_in_their_place(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/runs/{_name(site, 'runs', 'reading-quick')}")
    picture = page.locator("article.example img").first
    picture.scroll_into_view_if_needed()
    until = time.monotonic() + 10  # a page whose policy forbids `eval` cannot be asked to wait
    while picture.evaluate("one => one.naturalWidth") != 120 and time.monotonic() < until:
        time.sleep(0.05)
    assert picture.evaluate("one => one.naturalWidth") == 120
    assert picture.get_attribute("loading") == "lazy"
    assert "q0" in (picture.get_attribute("alt") or "")


def test_two_runs_are_chosen_on_a_board_and_stand_side_by_side(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/{_board(site)}")
    page.get_by_label("Choose quick for comparing").check()
    assert page.locator("#compare").is_disabled()
    page.get_by_label("Choose good for comparing").check()
    page.locator("#compare").click()
    page.wait_for_url("**/compare.html?a=reading-quick*&b=reading-good*")
    cards = page.locator("article.example")
    cards.first.wait_for()
    # quick is wrong where i is even, good where it is a multiple of 10 or failed (44): 19 differ, each by half the words
    page.get_by_label("Show").select_option("better")
    page.get_by_text("of 17 (of 45)").wait_for()
    assert "B − A: +" in cards.first.inner_text()
    assert page.title().startswith("quick and good side by side")


def test_runs_that_the_site_does_not_have_are_not_loaded(site: Path, root: str, open_page: Any) -> None:
    for name in ("../../evil", "https://example.com/x", "__proto__", "<img src=x onerror=window.hacked=1>"):
        page = open_page(f"{root}/compare.html?a={name}&b={name}")
        page.get_by_role("alert").wait_for()
        assert "does not have" in page.get_by_role("alert").inner_text()
    assert all(url.startswith(root) or url == "data:," for url in open_page.asked)


def test_hostile_names_are_text_on_every_page_and_nothing_else_is_asked_for(
    site: Path, root: str, open_page: Any
) -> None:
    page = open_page(f"{root}/index.html", viewport={"width": 375, "height": 700})
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        page.goto(f"{root}/{name}")
        if name.startswith("runs/"):
            page.locator("article.example").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
        assert page.evaluate("window.hacked") is None, name
    assert all(url.startswith(root) or url == "data:," for url in open_page.asked)
    page = open_page(f"{root}/{_board(site)}")
    assert HOSTILE[0] in _column(page, "table.points", 3)


def test_dark_colours_follow_the_system_and_the_choice_is_remembered(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/index.html", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 28)"
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.goto(f"{root}/runs.html")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_the_tables_stand_without_scripts(site: Path, root: str, open_page: Any) -> None:
    page = open_page(f"{root}/{_board(site)}", java_script_enabled=False)
    assert "good" in page.locator("table.points").first.inner_text()
    assert page.locator("form.tools").is_hidden()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_that_keeps_people_out(site: Path, served: str, open_page: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    a, b = (_name(site, "runs", f"reading-{name}").removesuffix(".html") for name in ("quick", "good"))
    for name in ("index.html", "runs.html", _board(site), f"runs/{b}.html", f"compare.html?a={a}&b={b}"):
        page = open_page(f"{served}/{name}", color_scheme=scheme, bypass_csp=True)
        if name.startswith(("runs/", "compare")):
            page.locator("article.example").first.wait_for()
        found = axe.Axe().run(page).response["violations"]
        assert [(one["id"], one["impact"], one["nodes"][0]["html"][:120]) for one in found] == [], name


@pytest.fixture(scope="module")
def media_site(tmp_path_factory: pytest.TempPathFactory, run_record: Make) -> Path:
    """Recordings, films (the last one no browser can play) and a form, each answered with errors."""
    folder = tmp_path_factory.mktemp("media")
    felt = [{"valence": 0.5, "arousal": 0.0}, {"valence": 0.0, "arousal": 0.5}, None, {"valence": 0.0, "arousal": 1.0}]
    found = '{"total": "12.50  eur", "payee": null, "<img src=x onerror=window.hacked=1>": "</td><script>window.hacked=2</script>"}'
    heard = ["please move twelve hundred zeros", "the fee is for four percent", "<img src=x onerror=window.hacked=3>"]
    tasks = [calls(folder), films(folder, "libx264"), Forms(folder)]
    clip(folder / "f3.mp4", 10, "mpeg4")
    items = [
        answered(folder / task.name, run_record, task, "model", said)
        for task, said in zip(tasks, (heard, felt, [found]), strict=True)
    ]
    write_site(folder / "site", [], items, task_of=lambda name: next(task for task in tasks if task.name == name))
    return folder / "site"


def _until(true: Callable[[], Any]) -> bool:
    """Whether it comes to be within ten seconds; a page whose policy forbids `eval` cannot be asked to wait."""
    until = time.monotonic() + 10
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.05)
    return bool(found)


@pytest.mark.parametrize(("start", "tag"), [("calls", "audio"), ("films", "video")])
def test_sound_and_film_play_by_the_keyboard(media_site: Path, open_page: Any, start: str, tag: str) -> None:
    page = open_page(f"{media_site.as_uri()}/runs/{_name(media_site, 'runs', start)}")
    player = page.locator(f"article.example {tag}").first
    player.wait_for()
    player.focus()
    page.keyboard.press("Space")
    assert _until(lambda: player.evaluate("one => one.currentTime > 0 || one.ended"))
    assert "of example" in (player.get_attribute("aria-label") or "")
    assert player.get_attribute("autoplay") is None


def test_a_film_that_the_browser_cannot_play_says_so_and_has_its_file(media_site: Path, open_page: Any) -> None:
    page = open_page(f"{media_site.as_uri()}/runs/{_name(media_site, 'runs', 'films')}")
    page.locator("article.example").first.wait_for()
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").count() == 1
    last = page.locator("article.example").last
    assert "cannot play it" in last.inner_text()
    link = last.get_by_role("link", name="The file of the film of example f3")
    assert (media_site / "runs" / (link.get_attribute("href") or "")).resolve().is_file()


def test_words_fields_and_boxes_show_what_is_wrong_to_the_eye_and_the_ear(media_site: Path, open_page: Any) -> None:
    page = open_page(f"{media_site.as_uri()}/runs/{_name(media_site, 'runs', 'calls')}")
    words = page.locator(".word-for-word")
    words.first.wait_for()
    assert words.first.locator("del").inner_text() == "euros"
    assert words.first.locator("ins").inner_text() == "zeros"
    assert words.nth(1).locator("ins.put-in").inner_text() == "+for"
    assert "1 error on 5 words of the reference: 1 substituted, 0 left out, 0 put in" in page.content()
    page = open_page(f"{media_site.as_uri()}/runs/{_name(media_site, 'runs', 'forms')}")
    image, first = page.locator(".framed img"), page.locator(".framed rect.box").first
    first.wait_for()
    assert _until(lambda: image.evaluate("one => one.naturalWidth") == 400)
    shown, box = image.bounding_box(), first.bounding_box()
    scale = shown["width"] / 400
    assert abs(box["x"] + box["width"] / 2 - shown["x"] - 340 * scale) < 2  # the middle of (300, 150, 380, 170)
    assert abs(box["y"] + box["height"] / 2 - shown["y"] - 160 * scale) < 2
    page.get_by_label("boxes of the reference").focus()
    page.keyboard.press("Space")
    assert first.is_hidden()
    assert [cell.strip() for cell in page.locator(".fields table tbody td:last-child").all_inner_texts()] == [
        "✓ right in another form", "✗ left out", "✓ right", "✗ put in",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_in_what_plays_and_marks(media_site: Path, open_page: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    with _serving(media_site) as address:
        for start in ("calls", "films", "forms"):
            name = _name(media_site, "runs", start)
            page = open_page(f"{address}/runs/{name}", color_scheme=scheme, bypass_csp=True)
            page.locator("article.example").first.wait_for()
            found = axe.Axe().run(page).response["violations"]
            assert [(one["id"], one["impact"], one["nodes"][0]["html"][:120]) for one in found] == [], start
            page.set_viewport_size({"width": 375, "height": 700})
            assert page.evaluate("document.documentElement.scrollWidth") <= 375, start


def test_scales_along_time_stand_without_scripts(media_site: Path, open_page: Any) -> None:
    address = f"{media_site.as_uri()}/runs/{_name(media_site, 'runs', 'films')}"
    page = open_page(address, java_script_enabled=False)
    assert page.locator("figure.over-time svg.curve").count() == 2
    page.context.close()


def test_twenty_thousand_examples_are_written_and_shown_quickly(
    tmp_path: Path, run_record: Make, open_page: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Reading(N_LARGE)
    one = item(tmp_path / "large", run_record, task, "large", some(7))
    start = time.perf_counter()
    write_site(tmp_path / "site", [(BOARD, boards.tables(BOARD, [one.run]))], [one], task_of=lambda name: task)
    written = time.perf_counter() - start
    path = next((tmp_path / "site" / "runs").iterdir())
    start = time.perf_counter()
    page = open_page(f"{path.as_uri()}#page=100&sort=worst&show=all")
    page.get_by_text("Examples 1,981 to 2,000 of 20,000").wait_for()
    shown = time.perf_counter() - start
    start = time.perf_counter()
    page.get_by_role("button", name="Last").first.click()
    page.get_by_text("Examples 19,981 to 20,000 of 20,000").wait_for()
    turned = time.perf_counter() - start
    start = time.perf_counter()
    page.get_by_label("Text", exact=True).fill("question 12345?")
    page.get_by_text("Examples 1 to 1 of 1 (of 20,000)").wait_for()
    found = time.perf_counter() - start
    with capsys.disabled():
        print(
            f"\n20,000 examples: written {written:.1f} s, page 100 {shown:.2f} s, last {turned:.2f} s, found {found:.1f} s"
        )
    assert written < 20
    assert shown < 5
