import time

import pytest

from encoded import encode, sample, written
from gantool.arrays import Size
from gantool.formats import read, xmp
from gantool.picture import Picture

SPACES = {
    b"GPano": b"http://ns.google.com/photos/1.0/panorama/",
    b"tiff": b"http://ns.adobe.com/tiff/1.0/",
    b"exif": b"http://ns.adobe.com/exif/1.0/",
    b"hdrgm": b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"GCamera": b"http://ns.google.com/photos/1.0/camera/",
    b"Container": b"http://ns.google.com/photos/1.0/container/",
    b"dc": b"http://purl.org/dc/elements/1.1/",
}


def packet(attributes: bytes, elements: bytes = b"", **prefixes: bytes) -> bytes:
    names = {prefixes.get(prefix.decode(), prefix): space for prefix, space in SPACES.items()}
    spaces = b" ".join(b'xmlns:%s="%s"' % named for named in names.items())
    start = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    described = b'<rdf:Description rdf:about="" %s %s>%s</rdf:Description>' % (spaces, attributes, elements)
    return start + described + b"</rdf:RDF></x:xmpmeta>"


PANORAMA = (
    b'GPano:FullPanoWidthPixels="64" GPano:CroppedAreaTopPixels=\'8\' tiff:ImageWidth="64" exif:PixelYDimension="32"'
)


def test_sizes_follow_the_picture() -> None:
    _, metadata = read(encode(sample((32, 64, 3)), "JPEG", xmp=packet(PANORAMA)))
    again = read(written(Picture(sample((128, 128, 3))), metadata, "JPEG"))[1].xmp
    assert again == packet(
        b"GPano:FullPanoWidthPixels=\"128\" GPano:CroppedAreaTopPixels='32'"
        b' tiff:ImageWidth="128" exif:PixelYDimension="128"'
    )


def test_elements_and_other_prefixes() -> None:
    given = packet(b"", b"<p:FullPanoHeightPixels> 32</p:FullPanoHeightPixels><t:Orientation>8</t:Orientation>",
                   GPano=b"p", tiff=b"t")  # fmt: skip
    assert xmp.orientation(given) == 8
    upright = xmp.upright(given)
    assert xmp.orientation(upright) == 1 and b"<t:Orientation>1</t:Orientation>" in upright
    assert b"<p:FullPanoHeightPixels>64<" in xmp.resized(given, Size(20, 20), Size(10, 10))


def test_a_picture_is_turned_by_its_packet_where_exif_says_nothing() -> None:
    assert read(encode(sample((20, 30, 3)), "JPEG", xmp=packet(b'tiff:Orientation="6"')))[0].size == (30, 20)


@pytest.mark.parametrize(
    ("attributes", "elements", "word"),
    [
        (b"hdrgm:Version=\"1.0\" hdrgm:GainMapMax='3'", b"", "gain map"),
        (b"", b"<hdrgm:GainMapMin><rdf:Seq><rdf:li>1</rdf:li></rdf:Seq></hdrgm:GainMapMin>", "gain map"),
        (b'GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="99"', b"", "film"),
        (b'GCamera:MotionPhoto="1"', b"<Container:Directory><rdf:Seq/></Container:Directory>", "film"),
    ],
)
def test_claims_go_with_their_data(attributes: bytes, elements: bytes, word: str) -> None:
    title = b"<dc:title>sea</dc:title>"
    left, notices = xmp.without_claims(packet(attributes + b' GCamera:SpecialTypeID="x"', title + elements))
    wanted = packet(b'GCamera:SpecialTypeID="x"', title)
    for prefix in (b"hdrgm", b"Container"):
        if prefix + b":" in attributes + elements:
            wanted = wanted.replace(b'xmlns:%s="%s"' % (prefix, SPACES[prefix]), b"")
    assert left.split() == wanted.split()
    assert len(notices) == 1 and word in notices[0] and "\n" not in notices[0]


def test_a_packet_without_claims_stays_as_it_is() -> None:
    given = packet(PANORAMA, b"<dc:title>hdrgm:Version</dc:title>")
    assert xmp.without_claims(given) == (given, ())


@pytest.mark.parametrize(
    "filling", [b"<Container:Directory>", b"<Container:", b' hdrgm:a="', b'xmlns:a="', b"<hdrgm:a ", b" GPano:Full"]
)
def test_hostile_packets_cost_no_time(filling: bytes) -> None:
    hostile = packet(b'hdrgm:Version="1.0"', filling * (2**18 // len(filling)))
    before = time.perf_counter()
    xmp.resized(xmp.upright(xmp.without_claims(hostile)[0]), Size(9, 9), Size(3, 3))
    assert time.perf_counter() - before < 4
