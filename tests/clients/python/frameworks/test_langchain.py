"""LangChain's standard tests of a chat model, through ChatOpenAI.

The simulator acts as the model: it calls tools that are forced or mentioned, and follows schemas.
SCRIPTS has its other responses. The standard tests only require that a call succeeds, so EXPECTED
lists the blocks that Bedrock must have received.
"""

import base64
import json
from types import SimpleNamespace

import httpx
import pytest
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests, chat_models

from processes import API_KEY
from simulated import CLAUDE, NOVA_OMNI, PDF, PNG, WAV, calling, converse, script, text

JOKE = json.dumps({"setup": "What do cats drink?", "punchline": "Purrrrier."})


def customer(name):
    variables = {"customer_name": name, "description": "A company"}
    return script(calling(("tooluse_1", "unicode_customer", variables)))


# Scripted responses by test.
SCRIPTS = {
    # Streaming and non-streaming, for a Pydantic class and for a JSON Schema.
    "test_json_mode": [script(text(JOKE), times=4)],
    "test_unicode_tool_call_integration": [customer("你好啊集团"), customer("こんにちは株式会社")],
}

# The kinds of blocks in the requests of a test, in order, without texts. Media that a model does not
# accept in a tool result follow the result.
EXPECTED = {
    "test_image_inputs": ["image", "image"],
    "test_pdf_inputs": ["document", "document"],
    "test_audio_inputs": ["audio", "audio"],
    "test_image_tool_message": 2 * ["toolUse", "toolResult", "toolResult.image"],
    "test_pdf_tool_message": {
        CLAUDE: ["toolUse", "toolResult", "toolResult.document"],
        NOVA_OMNI: ["toolUse", "toolResult", "document"],
    },
    "test_anthropic_inputs": ["cachePoint", "image", "toolUse", "toolResult"],
    "test_tool_message_error_status": ["toolUse", "toolResult"],
}


@pytest.mark.filterwarnings("ignore:Received a Pydantic BaseModel V1", "ignore:OpenAI may require a filename")
class Standard(ChatModelIntegrationTests):
    """Settings for all models."""

    MODEL = None

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        # LangChain would reuse a client, and with it the event loop of the previous test.
        http_clients = {"http_client": httpx.Client(), "http_async_client": httpx.AsyncClient()}
        address = {"model": self.MODEL, "base_url": self.base_url, "api_key": API_KEY}
        # LangChain requests usage in streams by default only from OpenAI.
        return {**address, "max_retries": 0, "stream_usage": True, **http_clients}

    supports_json_mode = True
    supports_image_inputs = True
    supports_pdf_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    enable_vcr_tests = True
    model_override_value = "plain-name"

    @pytest.fixture(autouse=True)
    def environment(self, request, gateway, simulator, monkeypatch):
        """Queues the scripts before a test, and checks the received blocks after it."""
        type(self).base_url = gateway.base_url
        type(self).simulator = simulator
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "no downloads")
        monkeypatch.setattr(chat_models, "httpx", SimpleNamespace(get=stored_file))
        test = request.node.originalname
        simulator.push(*SCRIPTS.get(test, []))
        yield
        if test in EXPECTED:
            expected = EXPECTED[test]
            expected = expected[self.MODEL] if isinstance(expected, dict) else expected
            assert kinds_received(simulator) == expected

    @pytest.fixture
    def vcr(self):
        """No recorder: the test of streaming time uses the gateway."""
        return SimpleNamespace(responses=True)

    def invoke_with_reasoning_output(self, *, stream=False):
        message = self.reply_with(stream, thinking_tokens=30, outputTokens=50)
        assert message.usage_metadata["output_token_details"]["reasoning"] == 30
        return message

    def invoke_with_cache_read_input(self, *, stream=False):
        message = self.reply_with(stream, cacheReadInputTokens=100)
        assert message.usage_metadata["input_token_details"]["cache_read"] == 100
        return message

    def invoke_with_cache_creation_input(self, *, stream=False):
        message = self.reply_with(stream, cacheWriteInputTokens=100)
        assert message.usage_metadata["input_token_details"]["cache_creation"] == 100
        return message

    def reply_with(self, stream, thinking_tokens=None, **usage):
        """A response with this usage."""
        counted, requested_options = {}, {}
        if thinking_tokens:
            # Claude's own count, which Bedrock returns on request.
            details = {"output_tokens_details": {"thinking_tokens": thinking_tokens}}
            counted = {"additionalModelResponseFields": {"usage": details}}
            requested_options = {"reasoning_effort": "low"}
        self.simulator.push(script(converse({"text": "Hi"}, usage=usage, **counted)))
        model = ChatOpenAI(**self.chat_model_params, **requested_options)
        if not stream:
            return model.invoke("Hello")
        message = None
        for chunk in model.stream("Hello"):
            message = chunk if message is None else message + chunk
        return message


class TestClaude(Standard):
    """Supports structured output natively."""

    MODEL = CLAUDE
    # No audio input.
    UNSUPPORTED = {"test_audio_inputs"}
    supported_usage_metadata_details = dict.fromkeys(
        ["invoke", "stream"], ["reasoning_output", "cache_read_input", "cache_creation_input"]
    )


class TestNova(Standard):
    """No native structured output: the gateway uses a tool. Does not report reasoning tokens."""

    MODEL = NOVA_OMNI
    supports_audio_inputs = True
    supported_usage_metadata_details = dict.fromkeys(
        ["invoke", "stream"], ["cache_read_input", "cache_creation_input"]
    )


class TestNovaWithStructureByFunction(TestNova):
    """LangChain uses a function for structured output."""

    structured_output_kwargs = {"method": "function_calling"}


# Prevents collection of the base class.
del ChatModelIntegrationTests


def kinds_received(simulator):
    """The kinds of blocks in all requests, each tool result followed by its content."""
    kinds = []
    for request in simulator.received():
        for message in request["body_json"]["messages"]:
            for block in message["content"]:
                [(kind, value)] = block.items()
                kinds.append(kind)
                if kind == "toolResult":
                    kinds += [f"toolResult.{part}" for content in value["content"] for part in content]
    return [kind for kind in kinds if kind not in ("text", "toolResult.text")]


def stored_file(url, **_):
    """Replaces a download: a small file of the type in the URL."""
    content = {"png": PNG, "pdf": PDF, "wav": WAV}[url.rsplit(".", 1)[1]]
    return SimpleNamespace(content=base64.b64decode(content))

