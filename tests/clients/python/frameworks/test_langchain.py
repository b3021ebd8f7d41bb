"""LangChain's standard tests of a chat model, through ChatOpenAI.

The simulator plays the model: it calls tools that are forced or mentioned, and fills schemas. What
it would not say by itself is ordered in ORDERS; after a test, ARRIVED tells which blocks Bedrock
must have been sent, since the standard tests only ask that the call succeeds.
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


# What the model says in a test, where the simulator would say something else.
ORDERS = {
    # Whole and streamed, for a Pydantic class and for a JSON Schema.
    "test_json_mode": [script(text(JOKE), times=4)],
    "test_unicode_tool_call_integration": [customer("你好啊集团"), customer("こんにちは株式会社")],
}

# The kinds of content that must have been in the requests of a test, in order, texts left out.
# What a model does not take in a tool's result stands behind it.
ARRIVED = {
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
    """What holds for every model that is tested."""

    MODEL = None

    @property
    def chat_model_class(self):
        return ChatOpenAI

    @property
    def chat_model_params(self):
        # By itself LangChain keeps a client from test to test, and with it the last one's event loop.
        http_clients = {"http_client": httpx.Client(), "http_async_client": httpx.AsyncClient()}
        address = {"model": self.MODEL, "base_url": self.base_url, "api_key": API_KEY}
        # LangChain asks for the usage of a stream by itself only where OpenAI answers.
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
        """Gateway and simulator; orders before a test, a look at what arrived after it."""
        type(self).base_url = gateway.base_url
        type(self).simulator = simulator
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nothing is downloaded")
        monkeypatch.setattr(chat_models, "httpx", SimpleNamespace(get=stored_file))
        test = request.node.originalname
        simulator.push(*ORDERS.get(test, []))
        yield
        if test in ARRIVED:
            expected = ARRIVED[test]
            expected = expected[self.MODEL] if isinstance(expected, dict) else expected
            assert kinds_received(simulator) == expected

    @pytest.fixture
    def vcr(self):
        """No recorder: the test of a stream's time streams from the gateway."""
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
        """An answer of the model's for which Bedrock counted this."""
        counted, requested_options = {}, {}
        if thinking_tokens:
            # Claude's own count, which Bedrock hands over where it was asked to.
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
    """Holds answers to JSON Schemas itself."""

    MODEL = CLAUDE
    # It takes no sound.
    LACKS = {"test_audio_inputs"}
    supported_usage_metadata_details = dict.fromkeys(
        ["invoke", "stream"], ["reasoning_output", "cache_read_input", "cache_creation_input"]
    )


class TestNova(Standard):
    """Takes no JSON Schemas: the gateway makes a tool of one. Does not say how much it reasoned."""

    MODEL = NOVA_OMNI
    supports_audio_inputs = True
    supported_usage_metadata_details = dict.fromkeys(
        ["invoke", "stream"], ["cache_read_input", "cache_creation_input"]
    )


class TestNovaWithStructureByFunction(TestNova):
    """LangChain itself makes a function of the structure that is wanted."""

    structured_output_kwargs = {"method": "function_calling"}


# The standard classes are no tests of their own.
del ChatModelIntegrationTests


def kinds_received(simulator):
    """The kinds of the blocks in the messages of all requests; the parts of results behind them."""
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
    """In the place of a download: a small file of the kind that the address names."""
    content = {"png": PNG, "pdf": PDF, "wav": WAV}[url.rsplit(".", 1)[1]]
    return SimpleNamespace(content=base64.b64decode(content))

