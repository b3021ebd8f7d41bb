"""Documents, audio, videos, S3 locations, URLs, and media in tool results."""

import base64
import http.server
import io
import threading
import zipfile

import openai
import pytest

from conftest import connect
from simulated import CLAUDE, MP4, NOVA, NOVA_OMNI, PDF, PNG, WAV

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
MARKDOWN = base64.b64encode(b"# A mountain\n").decode()


def docx():
    """A minimal Word document."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<w:document/>")
    return base64.b64encode(file.getvalue()).decode()


DOCX = docx()


def text_part(message_text):
    return {"type": "text", "text": message_text}


def file_part(data, name=None, **more):
    return {"type": "file", "file": {"file_data": data, **({"filename": name} if name else {})}, **more}


def sent(client, simulator, *parts, model=CLAUDE):
    """Sends these parts and returns the blocks that Bedrock received."""
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": list(parts)}])
    return simulator.last()["messages"][0]["content"]


@pytest.mark.parametrize(
    ("data", "name", "format_"),
    [
        (f"data:application/pdf;base64,{PDF}", "report.pdf", "pdf"),
        (PDF, "report.pdf", "pdf"),
        # The content decides, not the file name.
        (f"data:text/plain;base64,{PDF}", "report.txt", "pdf"),
        (DOCX, "report.docx", "docx"),
        (MARKDOWN, "report.md", "md"),
        (base64.b64encode(b"a,b\n1,2\n").decode(), "report.csv", "csv"),
        (f"data:text/plain;base64,{MARKDOWN}", None, "txt"),
    ],
)
def test_files_become_documents_of_their_detected_format(client, simulator, data, name, format_):
    _, block = sent(client, simulator, text_part("Read."), file_part(data, name))
    document = block["document"]
    assert document["format"] == format_
    assert document["source"] == {"bytes": data.split(",")[-1]}


def test_document_names_are_sanitized_and_unique(client, simulator):
    blocks = sent(
        client, simulator, text_part("Read."),
        file_part(PDF, "Q3_report (final).v2.pdf"), file_part(PDF, "a.pdf"), file_part(PDF, "a.pdf"),
    )
    names = [block["document"]["name"] for block in blocks[1:]]
    # The simulator rejects names that Bedrock rejects.
    assert len(set(names)) == 3
    assert all("." not in name for name in names)


def test_a_document_without_text_gets_a_text_block(client, simulator):
    blocks = sent(client, simulator, file_part(PDF, "a.pdf"))
    assert sorted(next(iter(block)) for block in blocks) == ["document", "text"]


def test_an_image_file_becomes_an_image_block(client, simulator):
    _, block = sent(client, simulator, text_part("Look."), file_part(f"data:image/png;base64,{PNG}", "a.png"))
    assert block == {"image": {"format": "png", "source": {"bytes": PNG}}}


def test_a_document_may_have_citations_and_context(client, simulator):
    part = file_part(PDF, "a.pdf", citations={"enabled": True}, context="Of last year.")
    _, block = sent(client, simulator, text_part("Read."), part)
    assert block["document"]["citations"] == {"enabled": True}
    assert block["document"]["context"] == "Of last year."


def test_search_results_become_search_result_blocks(client, simulator):
    result = {"source": "https://example.com/a", "title": "A", "content": [text_part("A mountain.")]}
    _, block = sent(
        client, simulator, text_part("Read."), {"type": "search_result", **result, "citations": {"enabled": True}}
    )
    assert block == {"searchResult": {
        "source": "https://example.com/a", "title": "A", "content": [{"text": "A mountain."}], "citations": {"enabled": True}
    }}


def test_audio_and_video_are_accepted(client, simulator):
    _, audio, video = sent(
        client, simulator, text_part("Hear and see."),
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{MP4}"}},
        model=NOVA_OMNI,
    )
    assert audio == {"audio": {"format": "wav", "source": {"bytes": WAV}}}
    assert video == {"video": {"format": "mp4", "source": {"bytes": MP4}}}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
        {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{MP4}"}},
        {"type": "image_url", "image_url": {"url": "s3://bucket/a.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!!"}},
        {"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}},
        # The gateway fetches nothing from this machine or its networks.
        {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}},
        {"type": "image_url", "image_url": {"url": "https://169.254.169.254/latest/meta-data/"}},
        {"type": "file", "file": {"file_id": "file-abc123"}},
        {"type": "file", "file": {}},
    ],
    ids=lambda part: str(part)[10:70],
)
def test_unsupported_media_are_rejected_with_their_path(client, simulator, part):
    with pytest.raises(openai.BadRequestError) as refused:
        sent(client, simulator, text_part("Look."), part)
    assert refused.value.param.startswith("messages")
    assert simulator.received() == []


def test_s3_locations_are_forwarded_with_their_owner(client, simulator):
    owner = "123456789012"
    _, image, video, document = sent(
        client, simulator, text_part("Look."),
        {"type": "image_url", "image_url": {"url": "s3://bucket/a.jpg", "bucket_owner": owner}},
        {"type": "video_url", "video_url": {"url": "s3://bucket/a.mp4", "bucket_owner": owner}},
        {"type": "file", "file": {"file_id": "s3://bucket/a.pdf", "filename": "a.pdf"}},
        model=NOVA,
    )
    assert image == {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.jpg", "bucketOwner": owner}}}}
    assert video == {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4", "bucketOwner": owner}}}}
    assert document["document"]["format"] == "pdf"
    assert document["document"]["source"] == {"s3Location": {"uri": "s3://bucket/a.pdf"}}


def with_result(client, simulator, model, *parts):
    """Sends a tool result and returns the message that Bedrock received."""
    client.chat.completions.create(model=model, tools=[TOOL], messages=[
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": list(parts)},
    ])
    return simulator.last()["messages"][2]["content"]


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_tool_result_may_contain_an_image(client, simulator, model):
    [block] = with_result(client, simulator, model, text_part("Here:"), IMAGE)
    assert block["toolResult"]["content"] == [{"text": "Here:"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]


def test_a_tool_result_may_contain_a_document(client, simulator):
    [block] = with_result(client, simulator, CLAUDE, text_part("Here:"), file_part(PDF, "a.pdf"))
    text, document = block["toolResult"]["content"]
    assert text == {"text": "Here:"}
    assert document["document"]["source"] == {"bytes": PDF}


def test_media_unsupported_in_tool_results_follow_them(client, simulator):
    result, *following = with_result(client, simulator, NOVA, file_part(PDF, "a.pdf"))
    assert next(iter(result)) == "toolResult"
    [document] = [block["document"] for block in following if "document" in block]
    assert document["source"] == {"bytes": PDF}


class Files(http.server.BaseHTTPRequestHandler):
    """Serves two files, and a redirect to a forbidden address."""

    CONTENT = {"/a.png": PNG, "/a.pdf": PDF}

    def do_GET(self):
        if self.path == "/away":
            self.send_response(302)
            self.send_header("location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
        elif self.path in self.CONTENT:
            body = base64.b64decode(self.CONTENT[self.path])
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files():
    """The URL of the server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def fetching(files, start_gateway):
    """A client of a gateway that is allowed to fetch from this machine."""
    port = files.rsplit(":", 1)[1]
    gateway = start_gateway(f"[fetch]\nprivate_networks = true\nallow_http = true\nallowed_ports = [{port}]\n")
    with connect(gateway) as client:
        yield client


def test_media_urls_are_fetched(fetching, files, simulator):
    _, image, document = sent(
        fetching, simulator, text_part("Look."),
        {"type": "image_url", "image_url": {"url": f"{files}/a.png"}},
        {"type": "file", "file": {"file_url": f"{files}/a.pdf"}},
    )
    assert image == {"image": {"format": "png", "source": {"bytes": PNG}}}
    assert (document["document"]["format"], document["document"]["source"]) == ("pdf", {"bytes": PDF})


@pytest.mark.parametrize("path", ["/none.png", "/away"])
def test_unfetchable_urls_are_rejected_with_their_path(fetching, files, simulator, path):
    with pytest.raises(openai.BadRequestError) as refused:
        sent(fetching, simulator, {"type": "image_url", "image_url": {"url": files + path}})
    assert refused.value.param.startswith("messages[0].content[0]")
    assert simulator.received() == []
