"""LangChain's classes of errors, by which its agents and middlewares decide what to do."""

import pytest
from langchain_core import exceptions
from langchain_openai import ChatOpenAI

from classified import FAILURES, TOO_LONG_IN_A_STREAM
from processes import API_KEY
from simulated import CLAUDE

EXPECTED = {
    "bad key": exceptions.ModelAuthenticationError,
    "prompt too long for Claude": exceptions.ContextOverflowError,
    "prompt too long for others": exceptions.ContextOverflowError,
    "rate limit of requests": exceptions.ModelRateLimitError,
    "rate limit of tokens": exceptions.ModelRateLimitError,
    "quota": exceptions.ModelRateLimitError,
    "content filter": exceptions.ModelInvalidRequestError,
    "unknown model": exceptions.ModelNotFoundError,
    "model past its end": exceptions.ModelNotFoundError,
    "no access to the model": exceptions.ModelPermissionDeniedError,
    "bad request": exceptions.ModelInvalidRequestError,
    "overloaded": exceptions.ModelAPIError,
}


def test_every_failure_is_expected():
    assert set(EXPECTED) == set(FAILURES)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("failure", FAILURES)
def test_failures_have_the_right_class(gateway_without_retries, simulator, failure, stream):
    key, model, script = FAILURES[failure]
    if script:
        simulator.order(script)
    chat = ChatOpenAI(model=model, base_url=gateway_without_retries.base_url, api_key=key, max_retries=0)
    with pytest.raises(EXPECTED[failure]) as raised:
        list(chat.stream("Hello")) if stream else chat.invoke("Hello")
    is_overflow = isinstance(raised.value, exceptions.ContextOverflowError)
    assert is_overflow == (EXPECTED[failure] is exceptions.ContextOverflowError)


def test_a_stream_that_has_begun_can_still_turn_out_too_long(gateway_without_retries, simulator):
    simulator.order(TOO_LONG_IN_A_STREAM)
    chat = ChatOpenAI(model=CLAUDE, base_url=gateway_without_retries.base_url, api_key=API_KEY, max_retries=0)
    with pytest.raises(exceptions.ContextOverflowError):
        list(chat.stream("Hello"))
