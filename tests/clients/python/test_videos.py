"""Videos with OpenAI's SDK: create, retrieve, list, download and delete."""

import httpx
import openai
import pytest

from conftest import bearer, connect

REEL, RAY = "amazon.nova-reel-v1:1", "luma.ray-v2:0"
CONFIGURATION = """
[s3]
bucket = "outcrop-example"
path_style = true

[videos]
enabled = true

[models]
my-videos = "luma.ray-v2:0"

[keys]
another = "sk-another-caller"
"""
# OpenAI deprecates its own videos; the API remains useful with other servers.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
# Enough of a JPEG for its format.
JPEG = b"\xff\xd8\xff\xe0picture"


@pytest.fixture(scope="module")
def video_gateway(start_gateway):
    return start_gateway(CONFIGURATION)


@pytest.fixture
def client(video_gateway):
    with connect(video_gateway) as client:
        yield client


def advance_clock(simulator, seconds=121):
    httpx.post(f"{simulator.url}/_simulator/clock", json={"advance_seconds": seconds}).raise_for_status()


def started(simulator):
    """The last StartAsyncInvoke request."""
    requests = httpx.get(f"{simulator.url}/_simulator/requests").json()
    return [r["body_json"] for r in requests if r["operation"] == "start_async_invoke"][-1]


def test_a_video_is_created_polled_downloaded_and_deleted(client):
    video = client.videos.create_and_poll(
        model=REEL, prompt="A quiet lake", seconds="8", size="1280x720", poll_interval_ms=1
    )
    assert (video.object, video.status, video.progress) == ("video", "completed", 100)
    assert (video.model, video.seconds, video.size) == (REEL, "12", "1280x720")
    assert video.completed_at >= video.created_at and video.error is None
    content = client.videos.download_content(video.id).read()
    assert len(content) == 10_000 and content[4:8] == b"ftyp"
    assert [v.id for v in client.videos.list()] == [video.id]
    deleted = client.videos.delete(video.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (video.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(video.id)
    assert list(client.videos.list()) == []


def test_a_created_video_reports_its_parameters(client, simulator):
    response = client.videos.with_raw_response.create(
        model="my-videos", prompt="A quiet lake", seconds="8", size="720x1280", extra_body={"loop": True}
    )
    video = response.parse()
    assert (video.model, video.status, video.prompt) == ("my-videos", "in_progress", "A quiet lake")
    assert (video.seconds, video.size) == ("9", "720x1280")
    assert response.headers["x-outcrop-cost-usd"] == "13.5"
    assert response.headers["x-outcrop-adjustments"] == "seconds: set to 9"
    sent = started(simulator)
    assert sent["modelId"] == RAY
    assert sent["modelInput"] == {
        "prompt": "A quiet lake", "aspect_ratio": "9:16", "loop": True, "duration": "9s", "resolution": "720p",
    }
    assert client.videos.retrieve(video.id).model == "my-videos"


# The SDK's types allow an image reference, but its code rejects it; other clients send it.
@pytest.mark.parametrize("how", ["file", "json", "form"])
def test_an_image_becomes_the_first_frame(client, video_gateway, simulator, how):
    address, url = f"{video_gateway.base_url}/videos", "data:image/jpeg;base64,/9j/4HBpY3R1cmU="
    request = {"model": RAY, "prompt": "A quiet lake"}
    match how:
        case "file":
            client.videos.create(**request, input_reference=("lake.jpg", JPEG, "image/jpeg"))
        case "json":
            request["input_reference"] = {"image_url": url}
            httpx.post(address, headers=bearer(), json=request).raise_for_status()
        case "form":
            fields = {**request, "input_reference[image_url]": url}
            parts = [(name, (None, value)) for name, value in fields.items()]
            httpx.post(address, headers=bearer(), files=parts).raise_for_status()
    frame = started(simulator)["modelInput"]["keyframes"]["frame0"]
    assert frame["source"] == {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4HBpY3R1cmU="}


def test_a_range_of_a_video_is_downloaded(client, video_gateway, simulator):
    video = client.videos.create(model=RAY, prompt="A quiet lake")
    address = f"{video_gateway.base_url}/videos/{video.id}/content"
    early = httpx.get(address, headers=bearer())
    assert (early.status_code, early.json()["error"]["code"]) == (409, "video_not_ready")
    advance_clock(simulator)
    part = httpx.get(address, headers={**bearer(), "range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == "bytes 4-7/10000"
    end = httpx.get(address, headers={**bearer(), "range": "bytes=-3"})
    assert (end.status_code, len(end.content)) == (206, 3)
    beyond = httpx.get(address, headers={**bearer(), "range": "bytes=20000-"})
    assert beyond.status_code == 416


def test_videos_are_listed_in_pages(client):
    ids = [client.videos.create(model=RAY, prompt=f"Lake {number}").id for number in range(5)]
    assert [video.id for video in client.videos.list(limit=2)] == ids[::-1]
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == ids


def test_a_failed_video_has_an_error_message(client, simulator):
    video = client.videos.create(model=RAY, prompt="An avalanche")
    advance_clock(simulator)
    failed = client.videos.retrieve(video.id)
    assert (failed.status, failed.error.code) == ("failed", "video_generation_failed")
    assert "content filters" in failed.error.message


def test_another_key_cannot_see_the_video(client, video_gateway):
    video = client.videos.create(model=RAY, prompt="A quiet lake")
    with openai.OpenAI(base_url=video_gateway.base_url, api_key="sk-another-caller", max_retries=0) as other:
        assert list(other.videos.list()) == []
        for call in (other.videos.retrieve, other.videos.delete, other.videos.download_content):
            with pytest.raises(openai.NotFoundError):
                call(video.id)


def test_invalid_requests_are_rejected_by_field(client):
    refusals = [
        ({"size": "1024x1792"}, "size"),
        ({"seconds": "soon"}, "seconds"),
        ({"extra_body": {"seed": 3}}, "seed"),
        ({"prompt": ""}, "prompt"),
    ]
    for arguments, parameter in refusals:
        with pytest.raises(openai.BadRequestError) as refused:
            client.videos.create(**{"model": RAY, "prompt": "A quiet lake", **arguments})
        assert refused.value.param == parameter
    with pytest.raises(openai.NotFoundError):
        client.videos.remix("video_x", prompt="A sea")


def test_disabled_videos_explain_how_to_enable_them(gateway):
    with connect(gateway) as client, pytest.raises(openai.NotFoundError) as refused:
        client.videos.create(model=RAY, prompt="A quiet lake")
    assert "[videos] enabled" in refused.value.message
