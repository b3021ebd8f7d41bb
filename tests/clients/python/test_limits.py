"""Limits and budgets of a caller, as OpenAI's client sees them."""

import openai
import pytest

from conftest import connect
from simulated import CLAUDE, HELLO, NOVA, converse, script

CONFIGURATION = """
[teams.small]
tokens_per_minute = 3000

[teams.poor]
budgets = [{ usd = "0.02", per = "month" }]

[keys.small]
key = "sk-of-the-small-team"
team = "small"

[keys.poor]
key = "sk-of-the-poor-team"
team = "poor"
"""


@pytest.fixture(scope="module")
def limited_gateway(start_gateway):
    return start_gateway(CONFIGURATION)


def test_a_token_limit_is_a_rate_limit_error_that_names_the_team(limited_gateway):
    with connect(limited_gateway, api_key="sk-of-the-small-team") as client:
        response = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO, max_tokens=2500)
        headers = response.headers
        assert headers["x-ratelimit-limit-tokens"] == "3000"
        assert int(headers["x-ratelimit-remaining-tokens"]) < 500
        assert headers["x-ratelimit-reset-tokens"].endswith("s")
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model=NOVA, messages=HELLO, max_tokens=3001)
    error = refused.value
    assert (error.code, error.type) == ("rate_limit_exceeded", "tokens")
    assert error.body["message"].startswith("Request too large for team `small` on tokens per min (TPM): Limit 3000")
    assert error.response.headers["x-should-retry"] == "false"


def test_debt_is_a_rate_limit_error_with_a_wait(limited_gateway, simulator):
    usage = {"inputTokens": 10, "outputTokens": 4000, "totalTokens": 4010}
    simulator.push(script(converse({"text": "Hi"}, usage=usage)))
    with connect(limited_gateway, api_key="sk-of-the-small-team") as client:
        client.chat.completions.create(model=NOVA, messages=HELLO, max_tokens=1)
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model=NOVA, messages=HELLO, max_tokens=1)
    error = refused.value
    assert error.code == "rate_limit_exceeded"
    assert "Rate limit reached for team `small`" in error.body["message"]
    assert 1 <= int(error.response.headers["retry-after"]) <= 60


def test_a_budget_is_a_rate_limit_error_that_is_not_retried(limited_gateway, simulator):
    usage = {"inputTokens": 10, "outputTokens": 2000, "totalTokens": 2010}
    simulator.push(script(converse({"text": "Hi"}, usage=usage)))
    with connect(limited_gateway, api_key="sk-of-the-poor-team", max_retries=2) as client:
        client.chat.completions.create(model=CLAUDE, messages=HELLO, max_tokens=100)
        with pytest.raises(openai.RateLimitError) as refused:
            client.chat.completions.create(model=CLAUDE, messages=HELLO, max_tokens=100)
    error = refused.value
    assert (error.status_code, error.code, error.type) == (429, "insufficient_quota", "insufficient_quota")
    assert "the budget of team `poor` per month. Limit $0.02, Used $0.03303" in error.body["message"]
    assert error.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in error.response.headers
