"""Errors that clients distinguish by class, code or message, and how to cause them."""

from processes import API_KEY
from simulated import CLAUDE, error, fault, script

BAD_KEY = "sk-wrong-0123456789abcdef"

# API key, model, and the script for Bedrock's response.
ERROR_CASES = {
    "bad key": (BAD_KEY, CLAUDE, None),
    "prompt too long for Claude": (
        API_KEY, CLAUDE,
        script(error(400, "ValidationException", "prompt is too long: 215000 tokens > 200000 maximum"))),
    "prompt too long for others": (
        API_KEY, CLAUDE, script(error(400, "ValidationException", "Input is too long for requested model."))),
    "rate limit of requests": (
        API_KEY, CLAUDE, script(error(429, "ThrottlingException", "Too many requests"))),
    "rate limit of tokens": (
        API_KEY, CLAUDE, script(error(429, "ThrottlingException", "Too many tokens"))),
    "quota": (API_KEY, CLAUDE, script(error(400, "ServiceQuotaExceededException", "Quota exceeded"))),
    "content filter": (
        API_KEY, CLAUDE,
        script(error(400, "ValidationException", "This request has been blocked by our content filters."))),
    "unknown model": (API_KEY, "gpt-5", None),
    "model past its end": (
        API_KEY, CLAUDE,
        script(error(404, "ResourceNotFoundException", "This model version has reached the end of its life."))),
    "no access to the model": (
        API_KEY, CLAUDE, script(error(403, "AccessDeniedException", "You don't have access to the model."))),
    "bad request": (API_KEY, CLAUDE, script(error(400, "ValidationException", "Malformed input request"))),
    "overloaded": (API_KEY, CLAUDE, script(error(503, "ServiceUnavailableException"))),
}

# A stream that fails after its start because the prompt is too long.
TOO_LONG_IN_A_STREAM = script(
    None, fault("exception", after_events=3, code="validationException", message="Input is too long for requested model.")
)
