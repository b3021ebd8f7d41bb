// The Responses API with openai-node: whole, streamed, with tools.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { NOVA, calling, events, script, startHarness, text } from "./harness.js";

const WEATHER = {
  type: "function",
  name: "get_weather",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a response has text and usage", async () => {
  await harness.push(script(text("Good ", "morning")));
  const response = await harness.client().responses.create({ model: NOVA, input: "Hello", store: false });
  assert.match(response.id, /^resp_/);
  assert.equal(response.output_text, "Good morning");
  assert.equal(response.usage.input_tokens + response.usage.output_tokens, response.usage.total_tokens);
});

test("the stream helper accumulates the final response", async () => {
  await harness.push(script(text("Good ", "morning")));
  const stream = harness.client().responses.stream({ model: NOVA, input: "Hello", store: false });
  const deltas = [];
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") deltas.push(event.delta);
  }
  assert.deepEqual(deltas, ["Good ", "morning"]);
  assert.equal((await stream.finalResponse()).output_text, "Good morning");
});

test("parallel tool calls are accumulated from a stream", async () => {
  await harness.push(
    script(calling([["call_1", "get_weather", { city: "Lisbon" }], ["call_2", "get_weather", { city: "Porto" }]])),
  );
  const stream = harness.client().responses.stream({ model: NOVA, input: "Hello", tools: [WEATHER], store: false });
  const { output } = await stream.finalResponse();
  assert.deepEqual(
    output.map(({ type, call_id, arguments: input }) => [type, call_id, input]),
    [
      ["function_call", "call_1", '{"city":"Lisbon"}'],
      ["function_call", "call_2", '{"city":"Porto"}'],
    ],
  );
});

test("a broken stream ends with response.failed", async () => {
  const broken = events(
    ["messageStart", { role: "assistant" }],
    ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Good" } }],
  );
  await harness.push(script(broken));
  const stream = await harness.client().responses.create({ model: NOVA, input: "Hello", stream: true, store: false });
  let last;
  for await (const event of stream) last = event;
  assert.equal(last.type, "response.failed");
  assert.equal(last.response.error.code, "server_error");
});
