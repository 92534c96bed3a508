"""The page in a real browser: Debian's chromium, driven by Playwright."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("chromium is not installed", allow_module_level=True)

PICTURE = Path(__file__).parents[1] / "pictures" / "flowers.jpg"
DESK, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
LONG = 60_000


def picture(mode: str = "RGB") -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.open(PICTURE).convert(mode).resize((48, 32)).save(buffer, "PNG")
    return {"name": "garden.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(serve: Any) -> Iterator[str]:
    models = "upscale-x2,upscale-x4,colorize,inpaint,stargan-hair,anime-faces,dcgan-faces"
    with serve("--models", models) as (address, _):
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    yield from opened(browser, address, DESK)


def opened(browser: Any, address: str, size: dict[str, int], **more: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=size, accept_downloads=True, **more)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#verb option", state="attached")
    yield page
    context.close()
    said = [text for text in said if "status of 413" not in text]  # which the browser tells by itself
    assert not said, said  # what the Content-Security-Policy refuses is told there, too


def started(page: Any, verb: str, model: str = "", **options: str) -> None:
    page.select_option("#verb", verb)
    if model:
        page.select_option("#model", model)
    for name, value in options.items():
        page.fill(f"#option-{name}", value)
    page.click("#run")


def until(page: Any, expression: str) -> None:
    """Wait for something to be true; the page's own policy lets Playwright's way not run."""
    for _ in range(LONG // 50):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def result(page: Any) -> Image.Image:
    """What the button downloads."""
    page.wait_for_selector("#view:not([hidden])", timeout=LONG)
    with page.expect_download() as found:
        page.click("#save")
    return Image.open(found.value.path())


def test_a_picture_is_enlarged_compared_and_downloaded(page: Any) -> None:
    page.set_input_files("#files", picture())
    started(page, "upscale", scale="2")
    assert result(page).size == (96, 64)
    clip = page.evaluate("getComputedStyle(before).clipPath")
    page.focus("#slider")
    page.keyboard.press("End")
    assert page.evaluate("getComputedStyle(before).clipPath") != clip
    assert page.get_attribute("#after", "alt") and page.get_attribute("#before", "alt")
    page.click("#full")
    scales = page.evaluate("[before, after].map(image => image.style.transform)")
    assert scales[0] == scales[1] and scales[0].endswith("scale(1)")


def test_by_keyboard_alone(page: Any) -> None:
    page.focus("#sample")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('status').textContent.includes('sample.jpg')")
    page.focus("#option-scale")
    page.keyboard.type("1.5")
    page.keyboard.press("Enter")
    assert result(page).size == (540, 360)
    order = []
    page.focus("#files")
    for _ in range(25):
        order.append(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert [name for name in dict.fromkeys(order) if name in ("sample", "verb", "model", "run", "slider", "save")] == [
        *("sample", "verb", "model", "run", "slider", "save")
    ]


def test_a_gray_picture_is_coloured(page: Any) -> None:
    page.set_input_files("#files", picture("L"))
    until(page, "document.getElementById('verb').value === 'colorize'")
    page.click("#run")
    assert result(page).mode == "RGB"


@pytest.mark.parametrize("by", ["pointer", "keyboard"])
def test_what_is_brushed_is_filled(page: Any, by: str) -> None:
    page.set_input_files("#files", picture())
    page.select_option("#verb", "inpaint")
    page.wait_for_selector("#brush:not([hidden])")
    page.click("#run")
    assert "Paint" in page.text_content("#message")
    if by == "pointer":
        box = page.locator("#canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
        page.mouse.up()
    else:
        page.focus("#canvas")
        for key in (" ", "ArrowRight", " "):
            page.keyboard.press(key)
    page.click("#run")
    made = result(page).convert("RGB")
    sent = Image.open(io.BytesIO(picture()["buffer"])).convert("RGB")
    assert made.size == (48, 32)
    assert made.getpixel((24, 16)) != sent.getpixel((24, 16)) and made.getpixel((2, 2)) == sent.getpixel((2, 2))


def test_faces_by_tags_and_seed(page: Any) -> None:
    page.select_option("#verb", "generate")
    page.select_option("#model", "anime-faces")
    page.select_option("#option-label select >> nth=0", "blonde hair")
    page.select_option("#option-label select >> nth=1", "blue eyes")
    page.fill("#option-n", "4")
    page.fill("#option-seed", "7")
    page.click("#run")
    made = result(page)
    import gantool

    alone = gantool.generate("anime-faces", 1, seed=7, label="blonde hair, blue eyes")[0]
    assert made.crop((0, 0, *alone.size)).tobytes() == alone.tobytes()


def test_several_are_queued_cancelled_and_downloaded_together(page: Any) -> None:
    names = ("a.png", "b.png", "c.png")
    page.set_input_files("#files", [{**picture(), "name": name} for name in names])
    started(page, "upscale", scale="2")
    until(page, "document.querySelectorAll('#queue li').length === 3")
    page.click("#queue li:last-child button[aria-label^='Remove']")
    page.wait_for_selector("#all:not([hidden])", timeout=LONG)
    with page.expect_download() as found:
        page.click("#all")
    with zipfile.ZipFile(found.value.path()) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["1-a-upscale.png", "2-b-upscale.png"]
        assert Image.open(io.BytesIO(packed.read("1-a-upscale.png"))).size == (96, 64)


def test_what_is_refused_is_said(page: Any) -> None:
    page.click("#run")
    assert page.text_content("#message")
    page.set_input_files("#files", picture())
    page.evaluate("document.getElementById('form').noValidate = true")
    page.select_option("#verb", "upscale")
    page.fill("#option-scale", "1000")
    page.click("#run")
    until(page, "document.getElementById('message').textContent.includes('pixels')")


def test_a_token_is_asked_for(browser: Any, serve: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    with serve("--models", "dcgan-faces", "--token-file", tmp_path / "token") as (address, _):
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#ask[open]")
        page.fill("#token", "0123456789abcdef")
        page.keyboard.press("Enter")
        page.wait_for_selector("#verb option", state="attached")
        page.click("#run")
        page.wait_for_selector("#view:not([hidden])", timeout=LONG)
        page.close()


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_can_be_read_and_everything_has_a_name(
    browser: Any, address: str, size: dict[str, int], scheme: str
) -> None:
    for page in opened(browser, address, size, color_scheme=scheme):
        page.set_input_files("#files", picture())
        started(page, "upscale", scale="2")
        result(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate(NAMELESS) == []
        assert page.evaluate(FAINT) == []


NAMELESS = """() => [...document.querySelectorAll("input, select, button, a, canvas, img, progress")]
  .filter(e => e.checkVisibility())
  .filter(e => !(e.labels?.length || e.ariaLabel || e.alt || e.textContent.trim() || e.getAttribute("aria-labelledby")))
  .map(e => e.outerHTML)"""
"""Parts of the page that a screen reader would have no name for."""
FAINT = """() => {
  const lit = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
  } };
  return [...document.querySelectorAll("h1, h2, p, label, button, a, legend, small, .name, .quiet")]
    .filter(e => e.checkVisibility() && e.textContent.trim())
    .filter(e => { const [a, b] = [lit(getComputedStyle(e).color), lit(behind(e))].sort((x, y) => y - x);
                   return (a + .05) / (b + .05) < 4.5; })
    .map(e => e.outerHTML);
}"""
"""Texts of less contrast than WCAG 2.2 asks for, 4.5."""
