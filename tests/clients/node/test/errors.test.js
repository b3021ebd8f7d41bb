// Errors, retries, interrupted streams, and disconnects.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import OpenAI from "openai";

import { HELLO, NOVA, error, script, startHarness, text } from "./harness.js";

const WORDS = text("Good ", "morning, ", "dear ", "mountain");
const REQUEST = { model: NOVA, messages: HELLO };
// Number of calls to Bedrock for errors that are retried.
const RETRIED = 4;
// Number of calls if Bedrock has probably billed the failed call.
const RETRIED_ONCE = 2;
const HOUR_MS = 3_600_000;

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

const FAILURES = [
  [error(400, "ValidationException", "prompt is too long: 3 > 2"), 1, OpenAI.BadRequestError, 400, "context_length_exceeded"],
  [error(403, "AccessDeniedException"), 1, OpenAI.PermissionDeniedError, 403, "model_access_denied"],
  [error(404, "ResourceNotFoundException"), 1, OpenAI.NotFoundError, 404, "model_not_found"],
  [error(409, "ConflictException"), 1, OpenAI.ConflictError, 409, "conflict"],
  [error(429, "ThrottlingException", "Too many requests"), RETRIED, OpenAI.RateLimitError, 429, "rate_limit_exceeded"],
  [error(400, "ServiceQuotaExceededException"), 1, OpenAI.RateLimitError, 429, "insufficient_quota"],
  [error(503, "ServiceUnavailableException"), RETRIED, OpenAI.InternalServerError, 503, "service_unavailable"],
  [error(424, "ModelErrorException"), RETRIED, OpenAI.InternalServerError, 502, "model_error"],
  [error(408, "ModelTimeoutException"), RETRIED_ONCE, OpenAI.InternalServerError, 504, "upstream_timeout"],
];

for (const [response, times, expected, status, code] of FAILURES) {
  for (const stream of [false, true]) {
    test(`${response.code} is a ${expected.name}, ${stream ? "streaming" : "non-streaming"}`, async () => {
      await harness.push(script(response, [], { times }));
      const refusal = await caught(harness.client().chat.completions.create({ ...REQUEST, stream }));
      assert.equal(refusal.constructor, expected);
      assert.deepEqual([refusal.status, refusal.code], [status, code]);
      assert.match(refusal.requestID, /^req_/);
      assert.equal((await harness.received()).length, times);
    });
  }
}

test("a wrong key is an AuthenticationError", async () => {
  const refusal = await caught(harness.client({ apiKey: "sk-wrong-key" }).chat.completions.create(REQUEST));
  assert.equal(refusal.constructor, OpenAI.AuthenticationError);
  assert.equal(refusal.code, "invalid_api_key");
});

test("unsupported values are rejected by field", async () => {
  const refusal = await caught(harness.client().chat.completions.create({ ...REQUEST, n: 1000 }));
  assert.equal(refusal.constructor, OpenAI.BadRequestError);
  assert.equal(refusal.param, "n");
});

test("the gateway retries before the client has to", async () => {
  await harness.push(script(error(429, "ThrottlingException"), [], { times: 2 }), script(text("At last")));
  const completion = await harness.client().chat.completions.create(REQUEST);
  assert.equal(completion.choices[0].message.content, "At last");
});

test("SDK retries work, and stop if x-should-retry is false", async () => {
  await harness.push(script(error(500, "InternalServerException"), [], { times: RETRIED }), script(text("At last")));
  const client = harness.client({ maxRetries: 1 });
  const completion = await client.chat.completions.create(REQUEST);
  assert.equal(completion.choices[0].message.content, "At last");
  assert.equal((await harness.received()).length, RETRIED + 1);

  await harness.clear();
  await harness.push(script(error(400, "ServiceQuotaExceededException")));
  const refusal = await caught(client.chat.completions.create(REQUEST));
  assert.equal(refusal.headers.get("x-should-retry"), "false");
  assert.equal((await harness.received()).length, 1);
});

const BREAKS = [
  { kind: "exception", after_events: 3, code: "throttlingException", message: "ordered" },
  { kind: "exception", after_events: 3, code: "modelStreamErrorException", message: "ordered" },
  { kind: "cut", after_events: 3 },
  { kind: "end", after_events: 3 },
  { kind: "truncated_frame", after_events: 3 },
  { kind: "bad_crc", after_events: 3 },
];

for (const broken of BREAKS) {
  const name = broken.code ?? broken.kind;
  test(`an interrupted stream (${name}) throws after the received chunks`, async () => {
    await harness.push(script(WORDS, [broken]));
    const stream = await harness.client().chat.completions.create({ ...REQUEST, stream: true });
    const seen = [];
    const failure = await caught(
      (async () => {
        for await (const chunk of stream) seen.push(chunk.choices[0].delta.content);
      })(),
    );
    assert.deepEqual(seen, ["", "Good ", "morning, "]);
    assert.ok(failure instanceof OpenAI.APIError, failure);
    assert.equal(failure.status, undefined);
    assert.ok(failure.message);
  });

  test(`the accumulator rejects an interrupted stream (${name})`, async () => {
    await harness.push(script(WORDS, [broken]));
    const failure = await caught(harness.client().chat.completions.stream(REQUEST).finalChatCompletion());
    assert.ok(failure instanceof OpenAI.APIError, failure);
  });
}

test("an exception as the first frame becomes the HTTP status", async () => {
  const first = { kind: "exception", code: "throttlingException", message: "ordered" };
  await harness.push(script(WORDS, [first], { times: RETRIED }));
  const refusal = await caught(harness.client().chat.completions.create({ ...REQUEST, stream: true }));
  assert.equal(refusal.constructor, OpenAI.RateLimitError);
});

const PHASES = [
  ["the head of a response", false, "slow_response"],
  ["the head of a stream", true, "slow_response"],
  ["the first event of a stream", true, "slow_first_event"],
];

for (const [phase, stream, kind] of PHASES) {
  test(`aborting a call that waits for ${phase} cancels the call to Bedrock`, async () => {
    await harness.push(script(WORDS, [{ kind, delay_ms: HOUR_MS }]));
    const controller = new AbortController();
    const call = caught(harness.client().chat.completions.create({ ...REQUEST, stream }, { signal: controller.signal }));
    await harness.untilCallIsOpen();
    controller.abort();
    assert.equal((await call).constructor, OpenAI.APIUserAbortError);
    await harness.untilAbandoned();
  });
}

test("aborting a stream cancels the call to Bedrock", async () => {
  await harness.push(script(WORDS, [{ kind: "stall", after_events: 3 }]));
  const stream = await harness.client().chat.completions.create({ ...REQUEST, stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content === "morning, ") stream.controller.abort();
  }
  await harness.untilAbandoned();
});

test("aborting an accumulator cancels the call to Bedrock", async () => {
  await harness.push(script(WORDS, [{ kind: "stall", after_events: 3 }]));
  const stream = harness.client().chat.completions.stream(REQUEST);
  stream.once("content", () => stream.abort());
  assert.equal((await caught(stream.done())).constructor, OpenAI.APIUserAbortError);
  await harness.untilAbandoned();
});

async function caught(call) {
  try {
    await call;
  } catch (failure) {
    return failure;
  }
  return assert.fail("no error was thrown");
}
