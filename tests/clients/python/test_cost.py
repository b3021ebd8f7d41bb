"""The cost of a response, in a header."""

from decimal import Decimal

import pytest

from simulated import CLAUDE, HELLO, NOVA, converse, script

USAGE = {
    "inputTokens": 1000, "outputTokens": 500, "totalTokens": 3500,
    "cacheReadInputTokens": 2000, "cacheWriteInputTokens": 300,
}
# Dollars per million tokens: input, output, cache reads, cache writes. Amazon's price list,
# 2026-11-21; for Claude 4.5, geographic profiles cost a tenth more than the global one.
PRICES = [
    (NOVA, "0.06", "0.24", "0.015", "0"),
    (CLAUDE, "3.3", "16.5", "0.33", "4.125"),
    ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "3", "15", "0.3", "3.75"),
]


def headers_of(client, simulator, model, usage=USAGE, **more):
    simulator.push(script(converse({"text": "Hi"}, usage=usage, **more)))
    return client.chat.completions.with_raw_response.create(model=model, messages=HELLO).headers


@pytest.mark.parametrize(("model", "read", "written", "cached", "cache_written"), PRICES)
def test_a_response_reports_its_cost(client, simulator, model, read, written, cached, cache_written):
    cost = Decimal(headers_of(client, simulator, model)["x-outcrop-cost-usd"])
    rates = map(Decimal, [read, written, cached, cache_written])
    assert cost == sum(rate * tokens for rate, tokens in zip(rates, [1000, 500, 2000, 300])) / 1_000_000


def test_one_hour_cache_writes_cost_more(client, simulator):
    details = {"cacheDetails": [{"ttl": "1h", "inputTokens": 300}]}
    brief = Decimal(headers_of(client, simulator, CLAUDE)["x-outcrop-cost-usd"])
    long = Decimal(headers_of(client, simulator, CLAUDE, usage={**USAGE, **details})["x-outcrop-cost-usd"])
    assert long - brief == Decimal("300") * (Decimal("6.6") - Decimal("4.125")) / 1_000_000


def test_the_cost_of_several_choices_is_their_sum(client, simulator):
    one = Decimal(headers_of(client, simulator, NOVA)["x-outcrop-cost-usd"])
    simulator.push(script(converse({"text": "Hi"}, usage=USAGE), times=2))
    both = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO, n=2).headers
    assert Decimal(both["x-outcrop-cost-usd"]) == 2 * one


def test_a_model_without_a_price_reports_unknown_cost(client, simulator):
    headers = headers_of(client, simulator, "nvidia.nemotron-of-tomorrow-v1:0")
    assert headers["x-outcrop-cost-usd"] == "unknown"
    assert "x-outcrop-cache-saved-usd" not in headers


def test_cache_savings_are_reported_when_used(client, simulator):
    assert Decimal(headers_of(client, simulator, CLAUDE)["x-outcrop-cache-saved-usd"]) > 0
    plain = {"inputTokens": 1000, "outputTokens": 500, "totalTokens": 1500}
    assert Decimal(headers_of(client, simulator, CLAUDE, usage=plain).get("x-outcrop-cache-saved-usd", "0")) == 0
