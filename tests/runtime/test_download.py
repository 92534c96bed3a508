"""Files fetched by HTTPS from a host on this machine, which answers as hosts do, and as they should not."""

import hashlib
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from gantool import download, storage
from gantool.errors import DownloadError
from https import Answer, Host, host, proxy, send, to, whole

DATA = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("host")) as made:
        yield made


@pytest.fixture
def there(running: Host, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host, which is trusted, and has said nothing yet; further tries come at once."""
    monkeypatch.setenv("SSL_CERT_FILE", str(running.certificates))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    running.answers.clear()
    running.asked.clear()
    return running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "model.onnx"


def fetch(file: Path, *addresses: str) -> list[float]:
    """The shares that were told."""
    shares: list[float] = []
    download.fetch(addresses, file, len(DATA), SUM, shares.append)
    return shares


def refusal(file: Path, *addresses: str) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch(file, *addresses)
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_a_file_is_fetched_and_its_share_told(there: Host, file: Path) -> None:
    shares = fetch(file, there("/a.onnx", whole(DATA)))
    assert file.read_bytes() == DATA and shares == sorted(shares) and shares[-1] == 1 and len(shares) > 1
    assert there.asked == [("/a.onnx", "")]
    fetch(file, there("/a.onnx", send(500)))  # of what is whole, nothing is asked
    assert len(there.asked) == 1


def test_a_cut_connection_is_gone_on_with(there: Host, file: Path) -> None:
    fetch(file, there("/a.onnx", whole(DATA, 100_000), whole(DATA, 50_000), whole(DATA)))
    assert file.read_bytes() == DATA
    assert [asked for _, asked in there.asked] == ["", "bytes=100000-", "bytes=150000-"]


def test_what_is_cut_too_often_goes_on_the_next_time(there: Host, file: Path) -> None:
    said = refusal(file, there("/a.onnx", whole(DATA, 50_000)))
    assert said == "localhost: the connection was cut; 0.1 of 0.3 MB are there; run it again: it goes on"
    assert file.read_bytes() == DATA[:150_000]
    fetch(file, there("/a.onnx", whole(DATA)))
    assert file.read_bytes() == DATA and there.asked[-1] == ("/a.onnx", "bytes=150000-")


def test_a_host_that_knows_no_ranges_begins_again(there: Host, file: Path) -> None:
    file.write_bytes(OTHER[:1000])
    fetch(file, there("/a.onnx", send(200, DATA, {"Content-Length": len(DATA)})))
    assert file.read_bytes() == DATA and there.asked == [("/a.onnx", "bytes=1000-")]


def test_a_host_that_says_no_length_is_believed_by_the_sum(there: Host, file: Path) -> None:
    fetch(file, there("/a.onnx", send(200, DATA)))
    assert file.read_bytes() == DATA


def test_a_host_that_refuses_the_range_is_asked_for_all(there: Host, file: Path) -> None:
    file.write_bytes(DATA[:1000])
    fetch(file, there("/a.onnx", send(416), whole(DATA)))
    assert file.read_bytes() == DATA and there.asked == [("/a.onnx", "bytes=1000-"), ("/a.onnx", "")]


def test_more_than_all_is_thrown_away(there: Host, file: Path) -> None:
    file.write_bytes(DATA + b"more")
    fetch(file, there("/a.onnx", whole(DATA)))
    assert file.read_bytes() == DATA


def test_what_passes_is_waited_for(there: Host, file: Path) -> None:
    fetch(file, there("/a.onnx", send(503), send(429), whole(DATA)))
    assert file.read_bytes() == DATA
    said = refusal(file.with_name("b"), there("/a.onnx", send(503)))
    assert said == "localhost: it answers 503 Service Unavailable; 0.0 of 0.3 MB are there; run it again: it goes on"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (send(404), "localhost answers 404 Not Found to https://localhost:"),
        (send(403), "localhost answers 403 Forbidden"),
        (send(200, OTHER), "localhost gave another file than the one that is meant: its sha256 differs"),
        (send(200, DATA + b"more"), "larger than the file that is meant"),
        (whole(DATA + b"more"), "a file of 300,004 bytes, and the one that is meant has 300,000"),
        (whole(DATA[:-1]), "a file of 299,999 bytes"),
        (send(200, b"<html>", {"Content-Length": 6}), "a file of 6 bytes"),
    ],
)
def test_another_file_does_not_stay(answer: Answer, said: str, there: Host, file: Path) -> None:
    assert said in refusal(file, there("/a.onnx", answer)) and len(there.asked) == 1
    assert not file.exists() or DATA.startswith(file.read_bytes())


@pytest.mark.parametrize(
    ("extent", "said"),
    [
        ("bytes 5-299999/300000", "another part of the file"),
        ("nonsense", "another part of the file"),
        ("bytes 1000-999999/1000000", "a file of 1,000,000 bytes"),
    ],
)
def test_another_part_is_not_written(extent: str, said: str, there: Host, file: Path) -> None:
    file.write_bytes(DATA[:1000])
    assert said in refusal(file, there("/a.onnx", send(206, OTHER, {"Content-Range": extent})))
    assert file.read_bytes() == DATA[:1000]


def test_a_beginning_of_another_file_is_found_out(there: Host, file: Path) -> None:
    file.write_bytes(OTHER[:1000])
    fetch(file, there("/a.onnx", whole(DATA)))
    assert file.read_bytes() == DATA and there.asked == [("/a.onnx", "bytes=1000-"), ("/a.onnx", "")]
    file.write_bytes(OTHER)
    assert "its sha256 differs" in refusal(file, there("/a.onnx", whole(OTHER))) and not file.exists()


def test_redirects_are_followed_by_https(there: Host, file: Path) -> None:
    there("/b.onnx", to("/c.onnx"))
    there("/c.onnx", whole(DATA))
    file.write_bytes(DATA[:1000])
    fetch(file, there("/a.onnx", to(f"{there.address}/b.onnx")))
    assert file.read_bytes() == DATA and there.asked[-1] == ("/c.onnx", "bytes=1000-")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://localhost/b.onnx", "http://localhost/b.onnx is not an address of HTTPS; it is not followed"),
        ("ftp://localhost/b.onnx", "ftp://localhost/b.onnx is not an address of HTTPS"),
        ("file:///etc/passwd", "localhost sends on and on, or away from HTTPS"),
        ("/a.onnx", "localhost sends on and on, or away from HTTPS"),
        ("", "localhost"),
    ],
)
def test_other_redirects_are_not(target: str, said: str, there: Host, file: Path) -> None:
    assert said in refusal(file, there("/a.onnx", to(target))) and not file.exists()
    assert len(there.asked) < 20


def test_redirects_without_end_are_not_followed(there: Host, file: Path) -> None:
    for number in range(40):
        there(f"/{number}", to(f"/{number + 1}"))
    assert "sends on and on" in refusal(file, f"{there.address}/0") and len(there.asked) < 20


def test_no_other_than_https(file: Path) -> None:
    for address in ("http://localhost/a.onnx", "file:///etc/passwd", "ftp://localhost/a"):
        assert refusal(file, address) == f"{address} is not an address of HTTPS; it is not followed"


def test_the_next_address_is_tried(there: Host, file: Path) -> None:
    addresses = there("/gone.onnx", send(404)), there("/other.onnx", whole(OTHER)), there("/a.onnx", whole(DATA))
    fetch(file, *addresses)
    assert file.read_bytes() == DATA
    assert "404" in refusal(file.with_name("b"), *addresses[:2])  # the first says why


def test_a_host_that_is_not_trusted(there: Host, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    said = refusal(file, there("/a.onnx", whole(DATA)))
    assert said.startswith("the certificate of localhost cannot be trusted: ") and "SSL_CERT_FILE" in said
    assert there.asked == [] and not file.exists()


def test_hosts_that_are_not_there(file: Path) -> None:
    assert "cannot be found" in refusal(file, "https://nowhere.invalid/a.onnx")


def test_nobody_listens(there: Host, file: Path) -> None:
    assert "Connection refused; 0.0 of 0.3 MB are there; run it again" in refusal(file, "https://localhost:1/a.onnx")


def test_a_host_that_falls_silent(there: Host, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PATIENCE", 0.2)

    heard = threading.Event()

    def silent(handler: BaseHTTPRequestHandler) -> None:
        whole(DATA, 1000)(handler)
        heard.wait(5)

    said = refusal(file, there("/a.onnx", silent))
    heard.set()
    assert "timed out" in said and file.read_bytes() == DATA[:3000]  # of three tries


def test_a_proxy_is_honoured(there: Host, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", address)
        fetch(file, there("/a.onnx", whole(DATA)))
        assert asked == [there.address.removeprefix("https://")] and file.read_bytes() == DATA
        monkeypatch.setenv("NO_PROXY", "localhost")
        fetch(file.with_name("b"), there("/a.onnx", whole(DATA)))
        assert len(asked) == 1


def test_a_full_disk_is_gone_on_with(there: Host, file: Path) -> None:
    # The size limit of files is the nearest thing to a full disk that needs no privileges.
    address = there("/a.onnx", whole(DATA))
    code = f"""
import resource, signal
from pathlib import Path
from gantool import download
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    download.fetch([{address!r}], Path({str(file)!r}), {len(DATA)}, {SUM!r})
except download.DownloadError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"cannot write {file}: File too large; make room and run it again: it goes on\n", done.stderr
    assert 0 < file.stat().st_size <= 100_000 and DATA.startswith(file.read_bytes())
    fetch(file, address)
    assert storage.sha256(file) == SUM and there.asked[-1][1] != ""
