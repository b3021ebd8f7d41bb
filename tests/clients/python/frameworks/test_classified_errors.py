"""LangChain's error classes, by which its agents and middleware decide what to do."""

import pytest
from langchain_core import exceptions
from langchain_openai import ChatOpenAI

from classified import ERROR_CASES, TOO_LONG_IN_A_STREAM
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


def test_every_error_is_expected():
    assert set(EXPECTED) == set(ERROR_CASES)


@pytest.mark.parametrize("stream", [False, True], ids=["non_streaming", "streaming"])
@pytest.mark.parametrize("error_case", ERROR_CASES)
def test_errors_have_the_right_class(gateway_without_retries, simulator, error_case, stream):
    key, model, script = ERROR_CASES[error_case]
    if script:
        simulator.push(script)
    chat = ChatOpenAI(model=model, base_url=gateway_without_retries.base_url, api_key=key, max_retries=0)
    with pytest.raises(EXPECTED[error_case]) as raised:
        list(chat.stream("Hello")) if stream else chat.invoke("Hello")
    is_overflow = isinstance(raised.value, exceptions.ContextOverflowError)
    assert is_overflow == (EXPECTED[error_case] is exceptions.ContextOverflowError)


def test_a_started_stream_can_exceed_the_context_window(gateway_without_retries, simulator):
    simulator.push(TOO_LONG_IN_A_STREAM)
    chat = ChatOpenAI(model=CLAUDE, base_url=gateway_without_retries.base_url, api_key=API_KEY, max_retries=0)
    with pytest.raises(exceptions.ContextOverflowError):
        list(chat.stream("Hello"))
