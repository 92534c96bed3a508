"""The page of a comparison: whole, safe, and with the very pictures."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

import gantool
from gantool import comparison, formats
from gantool.arrays import Pixels, Size
from gantool.comparison import Comparison, Layer
from gantool.picture import to_array


def pictures(page: str) -> list[dict[str, str]]:
    (told,) = re.findall(r'<script type="application/json" id="pictures">(.*?)</script>', page)
    found: list[dict[str, str]] = json.loads(told)
    return found


def decoded(data: str) -> Pixels:
    return to_array(formats.read(base64.b64decode(data.partition(",")[2]))[0])


@pytest.fixture
def made(tiny_model: gantool.Model, photo: Pixels, tmp_path: Path) -> Comparison:
    path = tmp_path / "<b>&.png"
    formats.save(formats.read(photo)[0], formats.Metadata("PNG"), path)
    return gantool.compare(path, [tiny_model, tiny_model])


def test_the_page_holds_the_very_pictures(made: Comparison, tiny_model: gantool.Model, photo: Pixels) -> None:
    before, first, second = pictures(made.html)
    assert np.array_equal(decoded(before["data"]), photo)
    assert np.array_equal(decoded(first["data"]), tiny_model(photo)) and first["data"] == second["data"]
    assert (first["width"], first["height"]) == (4 * photo.shape[1], 4 * photo.shape[0])
    assert first["label"].startswith(tiny_model.card.name) and before["label"].startswith("the picture")


def test_nothing_is_fetched(made: Comparison) -> None:
    text = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*", "", made.html)
    assert "//" not in text and "url(" not in text and "default-src 'none'" in text
    assert not re.search(r"<(script|img|link|iframe)[^>]*(src|href)=", text)


def test_names_are_text_wherever_they_stand() -> None:
    layer = Layer("</script><img src=x onerror=a()>$x", Size(2, 2), "data:,")
    page = Comparison('<b>&"$title', (layer,)).html
    assert "<img src=x" not in page and "<b>&" not in page and page.count("</script>") == 2
    assert pictures(page)[0]["label"] == "</script><img src=x onerror=a()>$x"


def test_a_notebook_shows_the_page_in_a_frame(made: Comparison) -> None:
    shown = made._repr_html_()
    assert shown.startswith("<iframe ") and "<script" not in shown and "&lt;script" in shown


def test_a_page_that_exists_stays(made: Comparison, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("mine")
    with pytest.raises(gantool.ImageError, match="exists already"):
        made.save(tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text() == "mine"
    made.save(tmp_path / "a.html", overwrite=True)
    assert (tmp_path / "a.html").read_text() == made.html


def test_what_cannot_be_compared(tiny_model: gantool.Model, photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    for models in ([], "upscale-x4"):
        with pytest.raises(gantool.ModelError, match="several models"):
            gantool.compare(photo, models)
    monkeypatch.setattr(comparison, "_MOST", 16 * photo.shape[0] * photo.shape[1] - 1)
    with pytest.raises(gantool.ImageError, match="too large for a page"):
        gantool.compare(photo, [tiny_model])
