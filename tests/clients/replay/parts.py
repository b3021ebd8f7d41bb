"""Converts recorded blocks to the content parts of an OpenAI message."""

from __future__ import annotations

import base64
import json
import mimetypes
import urllib.parse


class NotExpressible(Exception):
    """The gateway's API cannot express a part of the recording."""


def parts(blocks: list[dict], path: str) -> list[dict]:
    """The content parts of a message; a cache point becomes `cache_control` of the part before it."""
    result: list[dict] = []
    for block in blocks:
        if "cachePoint" in block:
            add_cache_control(result, block["cachePoint"])
        else:
            result.append(part(block, path))
    return result


def add_cache_control(marked_parts: list[dict], point: dict) -> None:
    """Adds `cache_control` to the last of some parts, messages or tools."""
    if not marked_parts or "cache_control" in marked_parts[-1]:
        raise NotExpressible("a cache point at the beginning")
    marked_parts[-1]["cache_control"] = {"type": "ephemeral"}
    if "ttl" in point:
        marked_parts[-1]["cache_control"]["ttl"] = point["ttl"]


def text_or_parts(listed: list[dict]):
    """Content as clients write it: a single plain text becomes a string."""
    if len(listed) == 1 and list(listed[0]) == ["type", "text"] and listed[0]["type"] == "text":
        return listed[0]["text"]
    return listed


def part(block: dict, path: str) -> dict:
    """The content part of one block."""
    kind = next(iter(block))
    if kind not in PARTS:
        raise NotExpressible(f"{path} {kind}")
    return PARTS[kind](block[kind])


def text_part(text: str) -> dict:
    return {"type": "text", "text": text}


def json_part(value) -> dict:
    return text_part(json_text(value))


def json_text(value) -> str:
    """JSON as clients serialize it."""
    return json.dumps(value, ensure_ascii=False)


def image_part(image: dict) -> dict:
    return {"type": "image_url", "image_url": address(image, "image")}


def video_part(video: dict) -> dict:
    if "/" in video["format"]:
        # conv-nova-7275e656: the gateway detects the format from the bytes, which are JPEG.
        raise NotExpressible("an image in a video block")
    return {"type": "video_url", "video_url": address(video, "video")}


def address(medium: dict, kind: str) -> dict:
    """A data URL or an S3 URI."""
    location = medium["source"].get("s3Location")
    if location is None:
        data = base64_text(medium["source"]["bytes"])
        return {"url": f"data:{kind}/{medium['format']};base64,{data}"}
    part = {"url": location["uri"], "format": medium["format"]}
    if "bucketOwner" in location:
        part["bucket_owner"] = location["bucketOwner"]
    return part


def document_part(document: dict) -> dict:
    file: dict = {"filename": f"{document['name']}.{document['format']}"}
    source = document["source"]
    if "s3Location" in source:
        file["file_id"] = source["s3Location"]["uri"]
    elif "text" in source:
        file["file_data"] = f"data:text/plain,{urllib.parse.quote(source['text'])}"
    else:
        media_type, _ = mimetypes.guess_type(file["filename"])
        file["file_data"] = f"data:{media_type};base64,{base64_text(source['bytes'])}"
    result = {"type": "file", "file": file}
    result.update((key, document[key]) for key in ("citations", "context") if key in document)
    return result


def guarded_part(guarded: dict) -> dict:
    text = guarded.get("text") or {}
    if set(text) - {"text", "qualifiers"} or "text" not in text:
        raise NotExpressible("guardContent other than text")
    return {"type": "guarded_text"} | text


def search_result_part(result: dict) -> dict:
    content = [text_part(fragment["text"]) for fragment in result["content"]]
    return {"type": "search_result"} | result | {"content": content}


def base64_text(data) -> str:
    """One recorder wrote bytes as a Node buffer instead of the base64 that was sent."""
    if isinstance(data, dict):
        return base64.b64encode(bytes(data["data"])).decode()
    return data


PARTS = {
    "text": text_part,
    "json": json_part,
    "image": image_part,
    "video": video_part,
    "document": document_part,
    "guardContent": guarded_part,
    "searchResult": search_result_part,
}
