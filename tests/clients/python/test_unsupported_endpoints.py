"""Every resource of the SDK is served, or returns 404 with the reason."""

import inspect

import openai
import pytest

# OpenAI has deprecated about half of the unsupported endpoints.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

# Resources that are served at least in part; other tests cover them.
SERVED = ("chat", "completions", "models", "moderations", "embeddings", "images", "videos", "files", "batches", "responses")

# SDK helpers that send no request, or several.
HELPERS = ("connect", "poll", "and_wait", "and_poll", "upload", "parse", "stream", "unwrap", "verify", "with_")


def methods(resource, path):
    """The methods of a resource and its subresources, with their paths in the client."""
    for name in dir(type(resource)):
        if name.startswith("_") or any(part in name for part in HELPERS):
            continue
        if isinstance(getattr(type(resource), name), openai._compat.cached_property):
            below = getattr(resource, name)
            if isinstance(below, openai._resource.SyncAPIResource):
                yield from methods(below, f"{path}.{name}")
        elif callable(getattr(resource, name)):
            yield f"{path}.{name}", getattr(resource, name)


def resources(client):
    for name in dir(type(client)):
        member = getattr(type(client), name)
        if isinstance(member, openai._compat.cached_property) and not name.startswith("with_"):
            resource = getattr(client, name)
            if isinstance(resource, openai._resource.SyncAPIResource):
                yield name, resource


def arguments(method):
    """A value for every required argument."""
    given = {}
    for name, parameter in inspect.signature(method).parameters.items():
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            given[name] = b"bytes" if name in ("file", "data", "audio_sample", "recording") else "abc"
    return given


def absent(client):
    for name, resource in resources(client):
        for path, method in methods(resource, name):
            # `beta` repeats resources that are served.
            if path.removeprefix("beta.").split(".")[0] not in SERVED:
                yield path, method


def test_unsupported_endpoints_explain_why(client):
    request = 0
    for path, method in absent(client):
        try:
            given = arguments(method)
            response = method(**given)
        except openai.NotFoundError as error:
            assert error.code == "unknown_url", path
            assert "is not served: " in error.message and "; " in error.message, (path, error.message)
            assert error.response.headers["x-should-retry"] == "false", path
            request += 1
        except (TypeError, ValueError, AttributeError, RuntimeError, openai.OpenAIError) as error:
            assert not isinstance(error, openai.APIStatusError), (path, error)
        else:
            pytest.fail(f"{path} returned a response: {response}")
    # A few methods cannot be called with generated arguments.
    assert request > 150


CALLS = {
    "speech": lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="hi"),
    "transcriptions": lambda c: c.audio.transcriptions.create(model="whisper-1", file=b"RIFF"),
    "translations": lambda c: c.audio.translations.create(model="whisper-1", file=b"RIFF"),
    "fine-tuning": lambda c: c.fine_tuning.jobs.create(model="m", training_file="f"),
    "assistants": lambda c: c.beta.assistants.create(model="m"),
    "threads": lambda c: c.beta.threads.create(),
    "runs": lambda c: c.beta.threads.runs.create("thread_1", assistant_id="a"),
    "vector stores": lambda c: c.vector_stores.search("vs_1", query="q"),
    "realtime": lambda c: c.realtime.client_secrets.create(),
    "uploads": lambda c: c.uploads.create(bytes=1, filename="a", mime_type="text/plain", purpose="batch"),
    "evals": lambda c: c.evals.list(),
    "containers": lambda c: c.containers.list(),
    "conversations": lambda c: c.conversations.create(),
    "skills": lambda c: c.skills.list(),
    "a stored completion": lambda c: c.chat.completions.retrieve("chatcmpl-1"),
    "remixing a video": lambda c: c.videos.remix("video_1", prompt="p"),
}


@pytest.mark.parametrize("name", CALLS)
def test_errors_name_the_alternative(client, name):
    with pytest.raises(openai.NotFoundError) as raised:
        list(CALLS[name](client))
    reason, _, alternative = raised.value.message.partition("is not served: ")[2].partition("; ")
    assert len(reason.split()) > 3 and len(alternative.split()) > 2, raised.value.message


OTHER_METHODS = {
    "stored completions": lambda c: c.chat.completions.list(),
    "deleting a model": lambda c: c.models.delete("ft:m"),
}


@pytest.mark.parametrize("name", OTHER_METHODS)
def test_unsupported_methods_of_served_paths_name_the_alternative(client, name):
    with pytest.raises(openai.APIStatusError) as raised:
        OTHER_METHODS[name](client)
    assert (raised.value.status_code, raised.value.code) == (405, "method_not_allowed")
    assert "is not served: " in raised.value.message


def test_an_unknown_path_is_reported(http):
    response = http.post("/nothing", json={})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_url"
