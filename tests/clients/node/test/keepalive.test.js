// Keep-alive comments in streams.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { HELLO, NOVA, script, startHarness, text } from "./harness.js";

const REQUEST = { model: NOVA, messages: HELLO };
const SLOW = [{ kind: "drip", delay_ms: 500 }];

let harness;
before(async () => (harness = await startHarness('[server]\nkeepalive = "100ms"\n')));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("the SDK ignores comments", async () => {
  await harness.push(script(text("Good ", "morning"), SLOW));
  const response = await harness
    .client()
    .chat.completions.create({ ...REQUEST, stream: true })
    .asResponse();
  const body = await response.text();
  assert.ok(body.split(": keepalive\n\n").length > 4, body);
  assert.ok(body.endsWith("data: [DONE]\n\n"), body);

  await harness.push(script(text("Good ", "morning"), SLOW));
  const words = [];
  for await (const chunk of await harness.client().chat.completions.create({ ...REQUEST, stream: true })) {
    words.push(chunk.choices[0].delta.content ?? "");
  }
  assert.equal(words.join(""), "Good morning");
});

test("the accumulator ignores comments", async () => {
  await harness.push(script(text("Good ", "morning"), SLOW));
  const content = await harness.client().chat.completions.stream(REQUEST).finalContent();
  assert.equal(content, "Good morning");
});
