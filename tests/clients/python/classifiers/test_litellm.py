"""LiteLLM as a client of the gateway, with `openai/` models: its exceptions, by which routers and agents
decide whether to fall back, to wait or to shorten the prompt."""

import os

# Use the price table in the package instead of downloading it.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import pytest

from classified import ERROR_CASES
from simulated import HELLO

EXPECTED = {
    "bad key": (litellm.AuthenticationError, 401),
    "prompt too long for Claude": (litellm.ContextWindowExceededError, 400),
    "prompt too long for others": (litellm.ContextWindowExceededError, 400),
    "rate limit of requests": (litellm.RateLimitError, 429),
    "rate limit of tokens": (litellm.RateLimitError, 429),
    "quota": (litellm.RateLimitError, 429),
    "content filter": (litellm.ContentPolicyViolationError, 400),
    "unknown model": (litellm.NotFoundError, 404),
    "model past its end": (litellm.NotFoundError, 404),
    # LiteLLM does not raise PermissionDeniedError for `openai/` models.
    "no access to the model": (litellm.APIError, 403),
    "bad request": (litellm.BadRequestError, 400),
    "overloaded": (litellm.ServiceUnavailableError, 503),
}


def test_every_error_is_expected():
    assert set(EXPECTED) == set(ERROR_CASES)


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
@pytest.mark.parametrize("error_case", ERROR_CASES)
def test_errors_have_the_right_class(gateway_without_retries, simulator, error_case, stream):
    key, model, script = ERROR_CASES[error_case]
    expected, status = EXPECTED[error_case]
    if script:
        simulator.push(script)
    with pytest.raises(expected) as raised:
        response = litellm.completion(
            model=f"openai/{model}", messages=HELLO, api_base=gateway_without_retries.base_url, api_key=key,
            stream=stream, num_retries=0, max_retries=0,
        )
        list(response)
    assert type(raised.value) is expected
    assert raised.value.status_code == status
    if key.startswith("sk-wrong"):
        assert "sk-wro***" in str(raised.value)
        assert key not in str(raised.value)


def test_a_response_is_parsed(gateway):
    # LiteLLM's names of Bedrock models also work after its `openai/` prefix.
    response = litellm.completion(
        model="openai/bedrock/converse/amazon.nova-lite-v1:0", messages=HELLO, api_base=gateway.base_url,
        api_key="sk-test-key-1",
    )
    assert response.choices[0].message.content
