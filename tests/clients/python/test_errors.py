"""Errors as the SDK's exceptions, and retries of gateway and SDK."""

import http.client
import json
import select
import socket
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from conftest import connect
from simulated import CLAUDE, HELLO, NOVA, error, fault, raw, script, text

# Number of calls to Bedrock for errors that are retried, and for others.
RETRIED, NOT_RETRIED = 4, 1
# Number of calls if Bedrock has probably billed the failed call.
BILLED = 2

# Bedrock's error, number of calls, and the client's error: class, status, type, code.
ERROR_CASES = {
    "validation": (
        error(400, "ValidationException", "Malformed input request"),
        NOT_RETRIED, openai.BadRequestError, 400, "invalid_request_error", "invalid_value"),
    "too long": (
        error(400, "ValidationException", "Input is too long for requested model."),
        NOT_RETRIED, openai.BadRequestError, 400, "invalid_request_error", "context_length_exceeded"),
    "too long for Claude": (
        error(400, "ValidationException", "prompt is too long: 210000 tokens > 200000 maximum"),
        NOT_RETRIED, openai.BadRequestError, 400, "invalid_request_error", "context_length_exceeded"),
    "blocked": (
        error(400, "ValidationException", "Your request was blocked by our content filters."),
        NOT_RETRIED, openai.BadRequestError, 400, "invalid_request_error", "content_policy_violation"),
    "error of the model": (
        raw(424, {"x-amzn-errortype": "ModelErrorException"}, '{"message": "no", "originalStatusCode": 400}'),
        NOT_RETRIED, openai.BadRequestError, 400, "invalid_request_error", "model_error"),
    "access denied": (
        error(403, "AccessDeniedException", "You don't have access to the model."),
        NOT_RETRIED, openai.PermissionDeniedError, 403, "permission_error", "model_access_denied"),
    "not found": (
        error(404, "ResourceNotFoundException", "The model has reached the end of its life."),
        NOT_RETRIED, openai.NotFoundError, 404, "invalid_request_error", "model_not_found"),
    "no such id": (
        error(400, "ValidationException", "The provided model identifier is invalid."),
        NOT_RETRIED, openai.NotFoundError, 404, "invalid_request_error", "model_not_found"),
    "profile only": (
        error(400, "ValidationException", "Invocation with on-demand throughput isn’t supported."),
        # With the model's id, and with its inference profile.
        2, openai.NotFoundError, 404, "invalid_request_error", "model_not_found"),
    "conflict": (
        error(409, "ConflictException", "In progress"),
        NOT_RETRIED, openai.ConflictError, 409, "invalid_request_error", "conflict"),
    "throttled": (
        error(429, "ThrottlingException", "Too many requests, please wait before trying again."),
        RETRIED, openai.RateLimitError, 429, "requests", "rate_limit_exceeded"),
    "throttled by tokens": (
        error(429, "ThrottlingException", "Too many tokens, please wait before trying again."),
        RETRIED, openai.RateLimitError, 429, "tokens", "rate_limit_exceeded"),
    "throttled for the day": (
        error(429, "ThrottlingException", "Too many tokens per day, please wait before trying again."),
        NOT_RETRIED, openai.RateLimitError, 429, "insufficient_quota", "insufficient_quota"),
    "quota, which Bedrock calls 400": (
        error(400, "ServiceQuotaExceededException", "Quota exceeded"),
        NOT_RETRIED, openai.RateLimitError, 429, "insufficient_quota", "insufficient_quota"),
    "internal": (
        error(500, "InternalServerException"),
        RETRIED, openai.InternalServerError, 500, "server_error", None),
    "credentials of the gateway": (
        error(403, "ExpiredTokenException", "The security token included in the request is expired"),
        2, openai.InternalServerError, 500, "server_error", "upstream_auth_failed"),
    "model failed, which Bedrock calls 424": (
        error(424, "ModelErrorException"),
        RETRIED, openai.InternalServerError, 502, "server_error", "model_error"),
    "unavailable": (
        error(503, "ServiceUnavailableException"),
        RETRIED, openai.InternalServerError, 503, "server_error", "service_unavailable"),
    "being loaded, which Bedrock calls 429": (
        error(429, "ModelNotReadyException"),
        RETRIED, openai.InternalServerError, 503, "server_error", "model_not_ready"),
    "timed out, which Bedrock calls 408": (
        error(408, "ModelTimeoutException"),
        BILLED, openai.InternalServerError, 504, "server_error", "upstream_timeout"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("error_case", ERROR_CASES)
def test_bedrock_errors_raise_the_sdks_exceptions(client, simulator, error_case, stream):
    response, calls, expected, status, kind, code = ERROR_CASES[error_case]
    simulator.push(script(response, times=calls))
    with pytest.raises(expected) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)

    seen = raised.value
    assert type(seen) is expected
    assert seen.status_code == status
    assert seen.type == kind
    # Clients use the status if OpenAI has no code for the error.
    assert code is None or seen.code == code
    assert set(seen.body) == {"message", "type", "param", "code"}
    assert seen.body["message"]
    assert seen.request_id.startswith("req_")
    assert len(simulator.received()) == calls


def test_the_parameter_is_named(client, simulator):
    simulator.push(script(error(400, "ValidationException", "Input is too long for requested model.")))
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert raised.value.param == "messages"
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model="nobody.model-v1:0", messages=HELLO)
    assert raised.value.param == "model"


@pytest.mark.parametrize("error_case", ["throttled", "unavailable", "being loaded, which Bedrock calls 429"])
def test_transient_errors_have_retry_after(client, simulator, error_case):
    simulator.push(script(ERROR_CASES[error_case][0], times=RETRIED))
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60
    assert raised.value.response.headers.get("x-should-retry") != "false"


def test_a_retry_after_of_hours_is_not_forwarded(client, simulator):
    # Node's SDK ignores values above 60 s, Python's raises above 120 s.
    simulator.push(script(error(429, "ThrottlingException", "Too many requests", retry_after=7200)))
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60


@pytest.mark.parametrize("error_case", [
    "access denied", "conflict", "throttled for the day", "quota, which Bedrock calls 400", "credentials of the gateway",
])
def test_permanent_errors_are_not_retried_by_the_sdk(gateway, simulator, error_case):
    response, calls, expected, *_ = ERROR_CASES[error_case]
    simulator.push(script(response, times=calls))
    with connect(gateway, max_retries=2) as client, pytest.raises(expected) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(simulator.received()) == calls


@pytest.mark.parametrize("stream", [False, True])
def test_the_gateway_retries_before_the_client_has_to(client, simulator, stream):
    throttled = error(429, "ThrottlingException", "Too many requests")
    simulator.push(script(throttled, times=2), script(text("At last")))
    response = client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
    if stream:
        words = "".join(chunk.choices[0].delta.content or "" for chunk in response)
    else:
        words = response.choices[0].message.content
    assert words == "At last"
    first, *preceding = simulator.received()
    assert [other["body_base64"] for other in preceding] == [first["body_base64"]] * 2


def test_sdk_retries_work(gateway, simulator):
    simulator.push(script(error(500, "InternalServerException"), times=RETRIED), script(text("At last")))
    with connect(gateway, max_retries=1) as client:
        response = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO)
    assert response.retries_taken == 1
    assert response.parse().choices[0].message.content == "At last"
    assert len(simulator.received()) == RETRIED + 1


def test_the_sdk_honors_retry_after(gateway, simulator):
    simulator.push(script(error(503, "ServiceUnavailableException"), times=RETRIED), script(text("At last")))
    with connect(gateway, max_retries=1) as client:
        response = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO, stream=True)
        assert response.retries_taken == 1
        assert "".join(chunk.choices[0].delta.content or "" for chunk in response.parse()) == "At last"


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_and_gateway_retries_do_not_multiply(gateway, simulator, monkeypatch, stream):
    simulator.push(script(error(429, "ThrottlingException", "Too many requests"), times=0))
    waits = []
    with connect(gateway, max_retries=openai.DEFAULT_MAX_RETRIES) as client, monkeypatch.context() as patched:
        patched.setattr("openai._base_client.time.sleep", waits.append)
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model=NOVA, messages=HELLO, stream=stream)
    # The gateway retries the SDK's first request, but not its retries.
    assert len(simulator.received()) == RETRIED + 1 + 1 <= 6
    # `retry-after` grows and has jitter: two seconds, then four, plus up to half.
    first, second = waits
    assert 2 <= first <= 3 and 4 <= second <= 6
    simulator.clear()


def test_a_rate_of_one_request_a_second_serves_six_clients(start_gateway, simulator):
    slow = start_gateway("[limits.key]\nrequests_per_second = 1\n")

    def send(_):
        with connect(slow, max_retries=openai.DEFAULT_MAX_RETRIES) as client:
            response = client.chat.completions.with_raw_response.create(model=NOVA, messages=HELLO)
            return response.retries_taken

    with ThreadPoolExecutor(6) as clients:
        assert list(clients.map(send, range(6))) == [0] * 6
    assert len(simulator.received()) == 6


def test_a_wrong_key_is_an_authentication_error(gateway, simulator):
    with connect(gateway, api_key="sk-wrong-key") as client:
        for call in (
            lambda: client.chat.completions.create(model=NOVA, messages=HELLO),
            lambda: client.chat.completions.create(model=NOVA, messages=HELLO, stream=True),
            lambda: client.models.list(),
            lambda: client.models.retrieve(NOVA),
        ):
            with pytest.raises(openai.AuthenticationError) as raised:
                call()
            assert raised.value.code == "invalid_api_key"
            assert raised.value.type == "invalid_request_error"
            assert raised.value.response.headers["www-authenticate"] == "Bearer"
            assert "sk-wrong-key" not in raised.value.message
    assert simulator.received() == []


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/chat/completions", 401), ("/v1/nothing", 404), ("/v1/models", 405)]
)
def test_a_rejected_client_keeps_its_connection(gateway, path, status):
    """The rejection does not need the body, but the client still sends it, and then another request."""
    body = json.dumps({"model": NOVA, "messages": HELLO}).encode()
    host, port = gateway.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        for _ in range(3):
            connection.sendall(head)
            # Time for an early response, before the body is sent.
            select.select([connection], [], [], 0.1)
            connection.sendall(body)
            response = http.client.HTTPResponse(connection, method="POST")
            response.begin()
            assert response.status == status
            response.read()
            if response.will_close:
                break


@pytest.mark.parametrize("model", ["no such model", "../secrets", "x" * 5000])
def test_an_invalid_model_is_rejected_without_calling_bedrock(client, simulator, model):
    with pytest.raises(openai.NotFoundError) as raised:
        client.chat.completions.create(model=model, messages=HELLO)
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    assert simulator.received() == []


def test_a_model_unknown_to_bedrock_is_not_found(client):
    retired = "anthropic.claude-instant-v1"
    for model in ["gpt-9", "nobody.model-v1:0", retired]:
        with pytest.raises(openai.NotFoundError) as raised:
            client.chat.completions.create(model=model, messages=HELLO)
        assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
        assert f"The model `{model}` does not exist or you do not have access to it." in raised.value.message


def test_a_bare_id_is_called_through_its_profile(client, simulator):
    bare = CLAUDE.removeprefix("us.")
    response = client.chat.completions.with_raw_response.create(model=bare, messages=HELLO)
    assert response.headers["x-outcrop-adjustments"] == f"model: called as `{CLAUDE}`"
    assert [request["model"] for request in simulator.received()] == [CLAUDE]


def test_an_oversized_body_is_rejected_with_a_readable_response(client, simulator):
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=NOVA, messages=[{"role": "user", "content": "x" * (33 << 20)}])
    assert (raised.value.status_code, raised.value.code) == (413, "request_too_large")
    assert simulator.received() == []


ACCOUNT = "123456789012"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 424, 429, 500, 503])
def test_errors_do_not_reveal_operator_details(client, simulator, status):
    names = {400: "ValidationException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
             409: "ConflictException", 424: "ModelErrorException", 429: "ThrottlingException",
             500: "InternalServerException", 503: "ServiceUnavailableException"}
    message = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/SecretRole/session-7 is not authorized to perform: "
        f"bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abc"
    )
    simulator.push(script(error(status, names[status], message), times=RETRIED if status in (424, 429, 500, 503) else 1))
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    visible_text = json.dumps(raised.value.body) + str(raised.value.response.headers)
    for secret in (ACCOUNT, "SecretRole", "session-7", "AKIAIOSFODNN7EXAMPLE", "127.0.0.1"):
        assert secret not in visible_text


@pytest.mark.parametrize(
    ("response", "faults", "calls", "code"),
    [
        (raw(200, {"content-type": "application/json"}, "<html>hello</html>"), [], NOT_RETRIED, "upstream_bad_response"),
        (None, [fault("cut")], BILLED, "upstream_connection_error"),
        (None, [fault("end")], BILLED, "upstream_bad_response"),
    ],
)
def test_an_unreadable_response_is_a_bad_gateway(client, simulator, response, faults, calls, code):
    simulator.push(script(response, *faults, times=calls))
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=NOVA, messages=HELLO)
    assert (raised.value.status_code, raised.value.code) == (502, code)


@pytest.mark.parametrize("kind", ["cut", "end"])
def test_an_incomplete_response_is_retried(client, simulator, kind):
    simulator.push(script(None, fault(kind)), script(text("Whole")))
    response = client.chat.completions.create(model=NOVA, messages=HELLO)
    assert response.choices[0].message.content == "Whole"


@pytest.fixture(scope="module")
def impatient(start_gateway):
    """A gateway with timeouts of half a second and without retries."""
    return start_gateway(
        '[timeouts]\nfirst_event = "500ms"\nstream_idle = "500ms"\nresponse = "500ms"\n[retry]\nmax_attempts = 1\n'
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", ["slow_response", "slow_first_event"])
def test_a_missing_response_is_a_gateway_timeout(impatient, simulator, stream, kind):
    simulator.push(script(None, fault(kind, delay_ms=60_000)))
    with connect(impatient) as client, pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=CLAUDE, messages=HELLO, stream=stream)
    assert (raised.value.status_code, raised.value.code) == (504, "upstream_timeout")
    simulator.wait_until_abandoned()


def test_a_stalled_stream_ends_with_an_error(impatient, simulator):
    simulator.push(script(text("Good ", "morning"), fault("stall", after_events=2)))
    seen = []
    with connect(impatient) as client, pytest.raises(openai.APIError) as raised:
        for chunk in client.chat.completions.create(model=NOVA, messages=HELLO, stream=True):
            seen.append(chunk.choices[0].delta.content)
    assert seen == ["", "Good "]
    assert raised.value.code == "upstream_timeout"
    simulator.wait_until_abandoned()
