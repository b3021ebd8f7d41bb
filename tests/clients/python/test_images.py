"""Images with OpenAI's client: generation, edits, variations, streams and URLs."""

import base64
import io
import json
import struct
import zlib

import httpx
import openai
import pytest

from conftest import CONFIGURATION, connect
from simulated import CLAUDE, raw, script

SD = "stability.sd3-5-large-v1:0"
INPAINT = "us.stability.stable-image-inpaint-v1:0"
CANVAS = "amazon.nova-canvas-v1:0"
BUCKET = "outcrop-example"


def png(width, height, pixel):
    """A PNG; `pixel` returns red, green, blue and alpha at a position."""
    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def opaque(side):
    return png(side, side, lambda x, y: b"\x0a\x78\xc8\xff")


def left_half_transparent(side):
    return png(side, side, lambda x, y: b"\0\0\0\0" if x < side // 2 else b"\0\0\0\xff")


def size_of(png_image):
    """Width and height of a PNG."""
    assert png_image.startswith(b"\x89PNG")
    return struct.unpack(">II", png_image[16:24])


def pixels(png_image):
    """The unfiltered rows of an RGB PNG."""
    width, height = size_of(png_image)
    at, data = 8, b""
    while at < len(png_image):
        length, kind = struct.unpack(">I4s", png_image[at : at + 8])
        data += png_image[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw_rows, stride = zlib.decompress(data), width * 3
    rows, above = [], bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        above = unfiltered(raw_rows[start], raw_rows[start + 1 : start + 1 + stride], above)
        rows.append(above)
    return rows


def unfiltered(kind, line, above):
    """Reverses PNG's filter of a row with three bytes per pixel (RFC 2083, 6)."""
    row = bytearray()
    for position, byte in enumerate(line):
        left_pixel = row[position - 3] if position >= 3 else 0
        corner = above[position - 3] if position >= 3 else 0
        up = above[position]
        nearest = min((left_pixel, up, corner), key=lambda one: abs(left_pixel + up - corner - one))
        row.append((byte + [0, left_pixel, up, (left_pixel + up) // 2, nearest][kind]) % 256)
    return bytes(row)


@pytest.fixture(scope="module")
def with_bucket(start_gateway):
    return start_gateway(CONFIGURATION + f'[s3]\nbucket = "{BUCKET}"\npath_style = true\n')


@pytest.mark.parametrize(
    "model", [SD, CANVAS, "stability.stable-image-core-v1:1", "amazon.titan-image-generator-v2:0"]
)
def test_images_are_generated_from_a_prompt(client, model):
    response = client.images.generate(model=model, prompt="a cat", n=2, size="1024x1024")
    assert response.created > 1_700_000_000
    assert response.usage is None
    assert (response.size, response.output_format) == ("1024x1024", "png")
    assert [size_of(base64.b64decode(one.b64_json)) for one in response.data] == [(1024, 1024)] * 2
    assert all(one.url is None for one in response.data)


def test_extensions_reach_the_model(client, simulator):
    further = {"negative_prompt": "dogs", "seed": 9, "additionalModelRequestFields": {"style_preset": "anime"}}
    client.images.generate(model=SD, prompt="a cat", size="1792x1024", output_format="jpeg", extra_body=further)
    assert simulator.last() == {
        "prompt": "a cat",
        "mode": "text-to-image",
        "aspect_ratio": "16:9",
        "negative_prompt": "dogs",
        "seed": 9,
        "output_format": "jpeg",
        "style_preset": "anime",
    }


@pytest.mark.parametrize("model, key, edited", [(INPAINT, "mask", 255), (CANVAS, "maskImage", 0)])
def test_a_mask_is_converted_to_the_models_convention(client, simulator, model, key, edited):
    side = 320
    response = client.images.edit(
        model=model,
        image=("cat.png", opaque(side)),
        mask=("mask.png", left_half_transparent(side)),
        prompt="a hat",
    )
    assert size_of(base64.b64decode(response.data[0].b64_json)) == (side, side)
    body = simulator.last()
    sent = body.get("inPaintingParams", body)
    assert base64.b64decode(sent["image"]) == opaque(side)
    for row in pixels(base64.b64decode(sent[key])):
        assert set(row[: side // 2 * 3]) == {edited}
        assert set(row[side // 2 * 3 :]) == {255 - edited}


def test_several_images_are_edited_at_once(client, simulator):
    images = [io.BytesIO(opaque(320)), io.BytesIO(opaque(336))]
    client.images.edit(model=CANVAS, image=images, prompt="both", extra_body={"strength": 0.5})
    parameters = simulator.last()["imageVariationParams"]
    assert [size_of(base64.b64decode(one)) for one in parameters["images"]] == [(320, 320), (336, 336)]
    assert (parameters["text"], parameters["similarityStrength"]) == ("both", 0.5)


def test_a_variation_is_generated(client, simulator):
    response = client.images.create_variation(model=CANVAS, image=opaque(320), n=2, size="512x512")
    assert [size_of(base64.b64decode(one.b64_json)) for one in response.data] == [(512, 512)] * 2
    assert simulator.last()["taskType"] == "IMAGE_VARIATION"


def test_generation_is_streamed(client):
    stream = client.images.generate(model=SD, prompt="a cat", stream=True, partial_images=2)
    [event] = list(stream)
    assert event.type == "image_generation.completed"
    assert size_of(base64.b64decode(event.b64_json)) == (1024, 1024)
    assert (event.size, event.output_format) == ("1024x1024", "png")


def test_an_edit_is_streamed(client):
    stream = client.images.edit(model=INPAINT, image=opaque(64), prompt="a hat", stream=True)
    [event] = list(stream)
    assert event.type == "image_edit.completed"
    assert size_of(base64.b64decode(event.b64_json)) == (64, 64)


def test_images_are_returned_as_urls(with_bucket):
    with connect(with_bucket) as client:
        response = client.images.generate(model=SD, prompt="a cat", n=2, response_format="url")
    addresses = [one.url for one in response.data]
    assert len(set(addresses)) == 2
    for address in addresses:
        png_image = httpx.get(address)
        assert png_image.status_code == 200, png_image.text
        assert png_image.headers["content-type"] == "image/png"
        assert size_of(png_image.content) == (1024, 1024)


def test_image_urls_need_a_bucket(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model=SD, prompt="a cat", response_format="url")
    assert refused.value.param == "response_format"


def test_a_filtered_image_is_a_policy_violation(client, simulator):
    response = json.dumps({"finish_reasons": ["Filter reason: output image"]})
    simulator.push(script(raw(200, {"content-type": "application/json"}, response)))
    for model, prompt in [(SD, "a cat"), (SD, "a forbidden cat"), (CANVAS, "a forbidden cat")]:
        with pytest.raises(openai.BadRequestError) as refused:
            client.images.generate(model=model, prompt=prompt)
        assert refused.value.code == "content_policy_violation"


def test_chat_models_are_rejected_for_images(client, simulator):
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model=CLAUDE, prompt="a cat")
    assert refused.value.param == "model"
    assert "use /v1/chat/completions" in str(refused.value)
    assert simulator.received() == []


def test_json_edits_accept_data_urls(http, simulator):
    reference = lambda png_image: {"image_url": "data:image/png;base64," + base64.b64encode(png_image).decode()}
    body = {
        "model": INPAINT,
        "prompt": "a hat",
        "images": [reference(opaque(64))],
        "mask": reference(left_half_transparent(64)),
    }
    response = http.post("/images/edits", json=body)
    assert response.status_code == 200, response.text
    assert base64.b64decode(simulator.last()["image"]) == opaque(64)


def test_cost_and_adjustments_are_in_the_headers(http):
    body = {"model": SD, "prompt": "a cat", "n": 2, "size": "1536x1024"}
    response = http.post("/images/generations", json=body)
    assert response.headers["x-outcrop-cost-usd"] == "0.16"
    assert response.headers["x-outcrop-adjustments"] == "size: set to 1216x832; the closest supported size"
