"""The page in a real browser: Chromium, led by Playwright."""

import importlib.resources
import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from serving import picture, process

playwright = pytest.importorskip("playwright.sync_api")
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
else:
    Browser = Page = Any
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with process(folder=tmp_path_factory.mktemp("served")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("dog", "city", "baby"):
        with Image.open(photos / f"{name}.jpg") as image:
            image.resize((96, 64)).save(folder / f"{name}.jpg")
    with Image.open(photos / "dog.jpg") as image:
        image.convert("L").resize((96, 64)).save(folder / "gray.png")
    return {path.stem: path for path in folder.iterdir()}


def opened(browser: Browser, address: str, **context: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(**{"viewport": DESKTOP, **context}).new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_default_timeout(20_000)
    page.goto(address)
    page.wait_for_selector("#verb option", state="attached")
    return page, wrong


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page, wrong = opened(browser, address)
    yield page
    page.context.close()
    assert not wrong


def choose(page: Page, *paths: Path, verb: str = "translate", model: str | None = "stargan-hair") -> None:
    page.set_input_files("#files", [str(path) for path in paths])
    page.select_option("#verb", verb)
    if model:
        page.select_option("#model", model)


def run(page: Page, count: int = 1) -> None:
    page.click("#run")
    page.wait_for_function(
        "n => [...document.querySelectorAll('#queue progress')].filter(b => b.hidden).length >= n", arg=count
    )


def downloaded(page: Page, button: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_a_photo_and_its_result(page: Page, files: dict[str, Path]) -> None:
    choose(page, files["dog"])
    assert "blonde" in page.inner_text("#option-to") and "Licence" in page.inner_text("#about")
    page.select_option("#option-to", "blue")
    run(page)
    page.wait_for_selector("#view:not([hidden])")
    name, data = downloaded(page, "#save")
    assert name == "dog-translate.jpg"
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG" and image.size == (96, 64)
    assert page.evaluate("[before.naturalWidth, after.naturalWidth, before.alt, after.alt]") == [
        *(96, 96, "dog.jpg: before", "dog.jpg: after")
    ]
    page.focus("#slider")
    cut = "[edge.offsetLeft, before.style.clipPath]"
    old = page.evaluate(cut)
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    new = page.evaluate(cut)
    assert page.input_value("#slider") == "55" and new[0] > old[0] and new[1] != old[1]
    page.click("#full")
    transforms = page.evaluate("[before.style.transform, after.style.transform]")
    assert transforms[0] == transforms[1] and transforms[0].endswith("scale(1)")
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 120)
    page.mouse.up()
    page.mouse.wheel(0, -200)
    moved = page.evaluate("[before.style.transform, after.style.transform]")
    assert moved[0] == moved[1] != transforms[0]


def test_what_is_dropped_and_pasted(page: Page, files: dict[str, Path]) -> None:
    for kind, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([kind, field, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], kind + ".jpg", { type: "image/jpeg" }));
                const event = new Event(kind, { bubbles: true, cancelable: true });
                Object.defineProperty(event, field, { value: data });
                document.body.dispatchEvent(event);
            }""",
            [kind, field, list(files["dog"].read_bytes())],
        )
        page.wait_for_function("name => document.getElementById('status').textContent === name", arg=f"{kind}.jpg")


def test_the_sample(page: Page) -> None:
    page.click("#sample")
    page.wait_for_function("() => document.getElementById('status').textContent === 'sample.jpg'")
    assert page.input_value("#verb") == "upscale"


def test_gray_pictures_are_coloured(page: Page, files: dict[str, Path]) -> None:
    page.set_input_files("#files", str(files["gray"]))
    page.wait_for_function("() => document.getElementById('verb').value === 'colorize'")
    run(page)
    _, data = downloaded(page, "#save")
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.ptp(pixels, axis=2).max() > 8


def filled(page: Page, before: Path) -> np.ndarray:
    run(page)
    _, data = downloaded(page, "#save")
    made, old = (np.asarray(Image.open(source).convert("RGB")).astype(int) for source in (io.BytesIO(data), before))
    return np.abs(made - old).max(axis=2)


def test_inpaint_by_pointer(page: Page, files: dict[str, Path], tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.open(files["city"]).save(source)
    choose(page, source, verb="inpaint", model="")
    page.click("#run")
    assert "Paint over" in page.inner_text("#message")
    page.wait_for_function("() => canvas.width === 96")
    page.locator("#canvas").scroll_into_view_if_needed()
    box = page.locator("#canvas").bounding_box()
    at = [box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7]
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + box["width"] * 0.05, at[1], steps=3)
    page.mouse.up()
    changed = filled(page, source)
    assert changed[40:50, 64:76].max() > 3 and changed[:20, :40].max() <= 2


def test_inpaint_by_keyboard_alone(page: Page, files: dict[str, Path], tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    Image.open(files["city"]).save(source)
    page.set_input_files("#files", str(source))
    page.focus("#verb")
    page.keyboard.type("inpaint")
    page.wait_for_function("() => document.getElementById('verb').value === 'inpaint' && canvas.width === 96")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "canvas":
            break
    for key in ("ArrowRight", "ArrowDown", "Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "run":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#view:not([hidden])")
    _, data = downloaded(page, "#save")
    made, old = (np.asarray(Image.open(f).convert("RGB")).astype(int) for f in (io.BytesIO(data), source))
    changed = np.abs(made - old).max(axis=2)
    assert changed[32:48, 48:70].max() > 3 and changed[:16, :30].max() <= 2


def test_generate_with_tags_and_seed(page: Page) -> None:
    page.select_option("#verb", "generate")
    page.select_option("#model", "anime-faces")
    assert not page.is_visible("#drop") and page.locator("#option-text").count() == 0
    for select, label in zip(page.locator("#fields span select").all(), ("blonde", "blue"), strict=True):
        select.select_option(label=label)
    page.fill("#option-seed", "5")
    page.fill("#option-n", "4")
    run(page)
    name, first = downloaded(page, "#save")
    assert name == "generate-generate.png"
    with Image.open(io.BytesIO(first)) as image:
        assert image.width == image.height and image.width >= 128
    assert not page.is_visible("#slider")
    page.click("#queue li button[title]")
    assert page.locator("#queue li").count() == 0 and not page.is_visible("#view")
    run(page)
    assert downloaded(page, "#save")[1] == first


def test_several_with_a_cancel_and_a_zip(page: Page, files: dict[str, Path]) -> None:
    choose(page, files["dog"], files["city"], files["baby"])
    run(page, 3)
    names = page.locator("#queue .name").all_inner_texts()
    assert names == ["dog.jpg (translate)", "city.jpg (translate)", "baby.jpg (translate)"]
    page.click("button[aria-label='Remove: city.jpg']")
    assert page.locator("#queue li").count() == 2
    name, data = downloaded(page, "#all")
    assert name == "gantool.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["1-dog-translate.jpg", "2-baby-translate.jpg"]
        for each in archive.namelist():
            with Image.open(io.BytesIO(archive.read(each))) as image:
                image.load()
                assert image.size == (96, 64)


def test_a_job_that_runs_is_cancelled(page: Page, address: str, tmp_path: Path) -> None:
    import httpx

    large = tmp_path / "large.png"
    large.write_bytes(picture(side=900))
    choose(page, large, verb="upscale", model="upscale-x4-fidelity")
    page.click("#run")
    page.wait_for_selector("#queue li button[title]")
    page.click("#queue li button[title]")
    for _ in range(300):
        if 'gantool_jobs_total{state="cancelled",verb="upscale"}' in httpx.get(f"{address}/metrics").text:
            break
        page.wait_for_timeout(50)
    else:
        raise AssertionError("it went on")
    assert page.locator("#queue li").count() == 0


def test_what_fails_is_told(page: Page, files: dict[str, Path], tmp_path: Path) -> None:
    page.click("#run")
    assert page.inner_text("#message") == "Choose a picture first."
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(picture("JPEG", 96)[:-500])
    choose(page, torn)
    page.click("#run")
    page.wait_for_function("() => document.getElementById('queue').textContent.includes('damaged')")


def test_results_that_a_browser_cannot_show(page: Page, files: dict[str, Path]) -> None:
    choose(page, files["dog"])
    page.select_option("#format", "tif")
    run(page)
    page.wait_for_selector("#save")
    assert not page.is_visible("#stage") and not page.is_visible("#slider")
    assert downloaded(page, "#save")[1][:2] in (b"II", b"MM")


def test_the_token_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    words = ("--token-file", tmp_path / "token", "--models", "dcgan-faces")
    with process(*words, folder=tmp_path / "t") as (url, _):
        page = browser.new_context().new_page()
        page.goto(url)
        page.wait_for_selector("#ask[open]")
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        page.wait_for_selector("#ask[open]")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("#verb option", state="attached")
        assert not page.is_visible("#ask")
        run(page)
        page.reload()
        page.wait_for_selector("#verb option", state="attached")
        assert not page.is_visible("#ask")
        page.evaluate("sessionStorage.clear()")
        page.reload()
        page.wait_for_selector("#ask[open]")
        page.keyboard.press("Escape")
        page.wait_for_function("() => document.getElementById('message').textContent.includes('token')")
        page.context.close()


AXE = """async () => {
    const found = await axe.run();
    return [found.passes.length, found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html + n.failureSummary)}`)];
}"""


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_size_and_light(
    browser: Browser, address: str, files: dict[str, Path], viewport: dict[str, int], scheme: str
) -> None:
    page, wrong = opened(browser, address, viewport=viewport, color_scheme=scheme)
    try:
        choose(page, files["dog"])
        run(page)
        page.wait_for_selector("#view:not([hidden])")
        choose(page, files["dog"], verb="inpaint", model="")
        page.wait_for_selector("#brush:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (int(back.split("(")[1].split(",")[0]) < 128) == (scheme == "dark")
        small = page.evaluate(
            "[...document.querySelectorAll('button, .button, select, summary')].filter(e => e.offsetParent"
            " && e.getBoundingClientRect().height < 40).map(e => e.outerHTML)"
        )
        assert not small
        _accessible(page)
        page.goto(f"{address}/docs")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        _accessible(page)
    finally:
        page.context.close()
    assert not wrong


def _accessible(page: Page) -> None:
    """By the rules of axe-core, where that is installed."""
    try:
        script = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    except ModuleNotFoundError:
        return
    page.evaluate(script)
    passed, violations = page.evaluate(AXE)
    assert passed > 10 and violations == []


def test_nothing_comes_from_elsewhere(browser: Browser, address: str, files: dict[str, Path]) -> None:
    page = browser.new_context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector("#verb option", state="attached")
    choose(page, files["dog"])
    run(page)
    page.goto(f"{address}/docs")
    page.context.close()
    assert len(asked) > 5 and all(url.startswith((f"{address}/", "blob:")) for url in asked)
