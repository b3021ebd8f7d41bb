"""Callers with tokens of an identity provider in place of API keys."""

import openai
import pytest

from processes import Gateway, eventually
from simulated import HELLO, NOVA
from tokens import AUDIENCE, IdentityProvider

TEAMS = """
[teams.research]
allowed_models = ["*nova*"]
"""


@pytest.fixture
def provider():
    provider = IdentityProvider()
    yield provider
    provider.stop()


@pytest.fixture
def gateway(running_simulator, provider, tmp_path):
    section = (
        f'[jwt.idp]\nissuer = "{provider.issuer}"\naudience = ["{AUDIENCE}"]\n'
        'team_claim = "groups"\nteams = { "AI Research" = "research" }\n'
    )
    gateway = Gateway(running_simulator.url, tmp_path, section + TEAMS)
    yield gateway
    assert gateway.stop() == 0


def client_with(gateway, token):
    return openai.OpenAI(base_url=gateway.base_url, api_key=token, max_retries=0)


def test_a_token_takes_the_place_of_a_key(gateway, provider):
    token = provider.token("ann@example.com", groups=["Everyone", "AI Research"])
    with client_with(gateway, token) as client:
        completion = client.chat.completions.create(model=NOVA, messages=HELLO)
        assert completion.choices[0].message.content
        chunks = list(client.chat.completions.create(model=NOVA, messages=HELLO, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        assert client.models.list().data
        with pytest.raises(openai.PermissionDeniedError, match="research"):
            client.chat.completions.create(model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", messages=HELLO)
    # A line is written soon after its response.
    eventually(lambda: [entry.get("caller") for entry in gateway.request_lines()].count("idp:ann@example.com") == 4)
    assert not any(token in line for line in gateway.lines)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1}, r"it has expired"),
        ({"aud": "another-api"}, r"another audience"),
        ({"iss": "https://idp.example"}, r"its issuer"),
    ],
)
def test_an_invalid_token_is_an_authentication_error_with_the_reason(gateway, provider, claims, reason):
    token = provider.token("ann", groups=["AI Research"], **claims)
    with client_with(gateway, token) as client, pytest.raises(openai.AuthenticationError, match=reason) as error:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert error.value.code == "invalid_token"


def test_a_user_without_a_team_is_refused(gateway, provider):
    with client_with(gateway, provider.token("bob", groups=["Everyone"])) as client:
        with pytest.raises(openai.PermissionDeniedError, match="no team") as error:
            client.chat.completions.create(model=NOVA, messages=HELLO)
    assert error.value.code == "no_team"
