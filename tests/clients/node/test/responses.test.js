// Text responses (streaming and non-streaming), models, headers.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { CLAUDE, HELLO, NOVA, events, script, startHarness, text } from "./harness.js";

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a non-streaming response has every field", async () => {
  await harness.push(script(text("Good ", "morning")));
  const completion = await harness.client().chat.completions.create({ model: NOVA, messages: HELLO });
  assert.match(completion.id, /^chatcmpl-/);
  assert.equal(completion.object, "chat.completion");
  assert.equal(completion.model, NOVA);
  const [choice] = completion.choices;
  assert.deepEqual(
    [choice.index, choice.finish_reason, choice.message.role, choice.message.content],
    [0, "stop", "assistant", "Good morning"],
  );
  const { prompt_tokens, completion_tokens, total_tokens } = completion.usage;
  assert.equal(prompt_tokens + completion_tokens, total_tokens);
  assert.match(completion._request_id, /^req_/);
});

test("every delta is a separate chunk, with one role, one id and one finish reason", async () => {
  await harness.push(script(text("Good ", "morning, ", "you")));
  const chunks = await collect(harness.client().chat.completions.create({ model: NOVA, messages: HELLO, stream: true }));
  assert.deepEqual(contents(chunks), ["", "Good ", "morning, ", "you", undefined]);
  assert.deepEqual(
    chunks.map((chunk) => chunk.choices[0].delta.role),
    ["assistant", undefined, undefined, undefined, undefined],
  );
  assert.deepEqual(
    chunks.map((chunk) => chunk.choices[0].finish_reason),
    [null, null, null, null, "stop"],
  );
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.ok(chunks.every((chunk) => !("usage" in chunk)));
});

test("chunks are sent without delay", async () => {
  await harness.push(script(text("Good ", "morning, ", "you"), [{ kind: "stall", after_events: 3 }]));
  const stream = await harness.client().chat.completions.create({ model: NOVA, messages: HELLO, stream: true });
  const seen = [];
  for await (const chunk of stream) {
    seen.push(chunk.choices[0].delta.content);
    if (seen.length === 3) break;
  }
  assert.deepEqual(seen, ["", "Good ", "morning, "]);
  await harness.untilAbandoned();
});

test("usage is the last chunk if requested", async () => {
  const chunks = await collect(
    harness.client().chat.completions.create({
      model: NOVA,
      messages: HELLO,
      stream: true,
      stream_options: { include_usage: true },
    }),
  );
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.total_tokens > 0);
  assert.ok(chunks.every((chunk) => chunk.usage === null && chunk.choices.length === 1));
});

test("the SDK accumulator returns the complete response", async () => {
  await harness.push(script(text("Good ", "morning, ", "you")));
  const snapshots = [];
  const stream = harness.client().chat.completions.stream({
    model: NOVA,
    messages: HELLO,
    stream_options: { include_usage: true },
  });
  stream.on("content", (_, snapshot) => snapshots.push(snapshot));
  const completion = await stream.finalChatCompletion();
  assert.deepEqual(snapshots.slice(-3), ["Good ", "Good morning, ", "Good morning, you"]);
  assert.equal(completion.choices[0].message.role, "assistant");
  assert.equal(completion.choices[0].message.content, "Good morning, you");
  assert.equal(completion.choices[0].finish_reason, "stop");
  assert.ok((await stream.totalUsage()).total_tokens > 0);
});

test("text with line separators is unchanged", async () => {
  const parts = ["one\n\n", "data: [DONE]\n\n", "two\r\n", "three\u2028four\u0085", "\u{1f3d4}\ufe0f “\\\"” \u0000"];
  await harness.push(script(text(...parts)));
  const chunks = await collect(harness.client().chat.completions.create({ model: NOVA, messages: HELLO, stream: true }));
  assert.deepEqual(contents(chunks).slice(1, -1), parts);
});

test("reasoning is separate from the text", async () => {
  await harness.push(
    script(
      events(
        ["messageStart", { role: "assistant" }],
        ["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { text: "Hm." } } }],
        ["contentBlockDelta", { contentBlockIndex: 0, delta: { reasoningContent: { signature: "c2ln" } } }],
        ["contentBlockStop", { contentBlockIndex: 0 }],
        ["contentBlockDelta", { contentBlockIndex: 1, delta: { text: "Hi" } }],
        ["contentBlockStop", { contentBlockIndex: 1 }],
        ["messageStop", { stopReason: "end_turn" }],
        ["metadata", { usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } }],
      ),
    ),
  );
  const chunks = await collect(harness.client().chat.completions.create({ model: CLAUDE, messages: HELLO, stream: true }));
  assert.equal(contents(chunks).join(""), "Hi");
  assert.equal(chunks.map((chunk) => chunk.choices[0].delta.reasoning_content ?? "").join(""), "Hm.");
});

test("concurrent responses are independent", async () => {
  const client = harness.client();
  const numbers = Array.from({ length: 30 }, (_, number) => number);
  await Promise.all(
    numbers.map(async (number) => {
      const messages = [{ role: "user", content: `Echo mountain ${number}.` }];
      const chunks = await collect(client.chat.completions.create({ model: NOVA, messages, stream: true }));
      assert.ok(contents(chunks).join("").includes(`“Echo mountain ${number}.”`));
    }),
  );
});

test("models are listed, and retrieved by names with colons", async () => {
  const client = harness.client();
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes(NOVA) && names.includes(CLAUDE));
  assert.equal((await client.models.retrieve(NOVA)).id, NOVA);
  assert.equal((await client.models.retrieve(CLAUDE)).id, CLAUDE);
});

test("model details are under one key", async () => {
  const { outcrop } = await harness.client().models.retrieve(CLAUDE);
  assert.equal(outcrop.kind, "inference_profile");
  assert.ok(outcrop.endpoints.includes("/v1/chat/completions"));
  assert.equal(outcrop.price.per_million_tokens.default.input, "3.3");
  const arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";
  assert.equal((await harness.client().models.retrieve(arn)).outcrop.name, "assistants");
});

test("input tokens are counted", async () => {
  const count = await harness.client().responses.inputTokens.count({ model: CLAUDE, input: "Good morning" });
  assert.equal(count.object, "response.input_tokens");
  assert.ok(count.input_tokens > 1);
  assert.equal(count.source, "CountTokens");
});

test("response headers can be read", async () => {
  const { data, response, request_id } = await harness
    .client()
    .chat.completions.create({ model: NOVA, messages: HELLO, seed: 7 })
    .withResponse();
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.equal(request_id, response.headers.get("x-request-id"));
  assert.equal(response.headers.get("x-outcrop-adjustments"), "seed: ignored");
});

test("an image is accepted as a data URL", async () => {
  const url = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
  ];
  await harness.client().chat.completions.create({ model: CLAUDE, messages: [{ role: "user", content }] });
  const [request] = await harness.received();
  assert.equal(request.body_json.messages[0].content[1].image.format, "gif");
});

function contents(chunks) {
  return chunks.map((chunk) => chunk.choices[0].delta.content);
}

async function collect(call) {
  const chunks = [];
  for await (const chunk of await call) chunks.push(chunk);
  return chunks;
}
