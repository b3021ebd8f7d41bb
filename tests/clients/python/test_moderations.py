"""Moderations with InvokeGuardrailChecks and with a guardrail."""

import openai
import pytest

from conftest import connect
from simulated import PNG, error, script

GUARDED = """
[guardrails.demo]
identifier = "demoguardrail"
version = "1"

[moderations]
guardrail = "demo"
"""

HARMFUL = "I will kill you, you idiot"


@pytest.fixture(scope="module")
def guarded(start_gateway):
    return start_gateway(GUARDED)


def failing(status, code, **more):
    return script(error(status, code), operation="invoke_guardrail_checks", **more)


def test_a_text(client):
    moderation = client.moderations.create(input=HARMFUL)
    assert moderation.id.startswith("modr-")
    assert moderation.model == "omni-moderation-latest"
    [result] = moderation.results
    assert result.flagged
    flagged = {name for name, value in result.categories.model_dump(by_alias=True).items() if value}
    assert flagged == {"violence", "harassment"}
    assert result.category_scores.violence == 0.6
    assert result.category_scores.self_harm_intent == 0
    assert result.category_applied_input_types.violence == ["text"]
    assert result.category_applied_input_types.sexual_minors == []
    fields = [result.categories, result.category_scores, result.category_applied_input_types]
    assert [len(values.model_dump(by_alias=True)) for values in fields] == [13, 13, 13]


def test_a_list_is_moderated_in_order(client):
    texts = [HARMFUL if index % 3 == 0 else f"{index} mountains" for index in range(10)]
    results = client.moderations.create(model="text-moderation-stable", input=texts).results
    assert [result.flagged for result in results] == [index % 3 == 0 for index in range(10)]


@pytest.mark.parametrize("model", ["omni-moderation-2024-09-26", "text-moderation-latest"])
def test_the_model_is_echoed(client, model):
    assert client.moderations.create(model=model, input="a").model == model


def test_parts_are_moderated_together(client):
    parts = [{"type": "text", "text": "A mountain"}, {"type": "text", "text": HARMFUL}]
    [result] = client.moderations.create(input=parts).results
    assert result.flagged


def test_images_need_a_guardrail(client, guarded):
    parts = [
        {"type": "text", "text": "An avalanche"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    with pytest.raises(openai.BadRequestError) as raised:
        client.moderations.create(input=parts)
    assert (raised.value.param, raised.value.code) == ("input[1].image_url.url", "unsupported_value")
    with connect(guarded) as client:
        [result] = client.moderations.create(input=parts).results
    assert result.flagged and not any(result.categories.model_dump().values())
    assert result.bedrock_findings["words"] == ["avalanche"]
    assert result.category_applied_input_types.violence == ["text", "image"]


INVALID = {
    "no text": ("", "input"),
    "no texts": ([], "input"),
    "one without text": (["a", ""], "input[1]"),
    "an unknown part": ([{"type": "video"}], "input[0].type"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_inputs_are_rejected_by_field(client, name):
    content, param = INVALID[name]
    with pytest.raises(openai.BadRequestError) as raised:
        client.moderations.create(input=content)
    assert (raised.value.param, raised.value.code) == (param, "invalid_value")


ERROR_CASES = {
    "throttled": (failing(429, "ThrottlingException", times=4), openai.RateLimitError, "rate_limit_exceeded"),
    "denied": (failing(403, "AccessDeniedException"), openai.PermissionDeniedError, "access_denied"),
    "down": (failing(503, "ServiceUnavailableException", times=4), openai.InternalServerError, "service_unavailable"),
}


@pytest.mark.parametrize("name", ERROR_CASES)
def test_the_first_error_fails_the_request(client, simulator, name):
    error_case, expected, code = ERROR_CASES[name]
    simulator.push(error_case)
    with pytest.raises(expected) as raised:
        client.moderations.create(input="a")
    assert raised.value.code == code
