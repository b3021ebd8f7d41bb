// Completions, moderations, and unsupported endpoints.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import OpenAI from "openai";

import { NOVA, script, startHarness, text } from "./harness.js";

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a non-streaming completion", async () => {
  await harness.push(script(text(" there", " was")));
  const completion = await harness.client().completions.create({ model: NOVA, prompt: "Once" });
  assert.match(completion.id, /^cmpl-/);
  assert.equal(completion.object, "text_completion");
  assert.deepEqual(completion.choices, [{ text: " there was", index: 0, logprobs: null, finish_reason: "stop" }]);
  assert.ok(completion.usage.total_tokens > 0);
});

test("a streamed completion, with usage at the end", async () => {
  await harness.push(script(text(" there", " was")));
  const options = { model: NOVA, prompt: "Once", stream: true, stream_options: { include_usage: true } };
  const texts = [];
  let usage;
  for await (const chunk of await harness.client().completions.create(options)) {
    texts.push(...chunk.choices.map((choice) => choice.text));
    usage = chunk.usage;
  }
  assert.deepEqual(texts, [" there", " was", ""]);
  assert.ok(usage.completion_tokens > 0);
});

test("a broken completion stream throws", async () => {
  await harness.push(script(text(" there", " was"), [{ kind: "cut", after_events: 2 }]));
  const texts = [];
  await assert.rejects(async () => {
    const stream = await harness.client().completions.create({ model: NOVA, prompt: "Once", stream: true });
    for await (const chunk of stream) texts.push(chunk.choices[0].text);
  }, OpenAI.APIError);
  assert.deepEqual(texts, [" there"]);
});

test("moderations return every category", async () => {
  const { results } = await harness.client().moderations.create({ input: ["What a mountain", "you idiot"] });
  assert.deepEqual(results.map((result) => result.flagged), [false, true]);
  assert.equal(Object.keys(results[1].categories).length, 13);
  assert.equal(results[1].categories.harassment, true);
  assert.equal(results[1].category_scores["self-harm/intent"], 0);
});

test("unsupported endpoints return a reason", async () => {
  const client = harness.client();
  for (const send of [
    () => client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "hi" }),
    () => client.fineTuning.jobs.list(),
    () => client.vectorStores.list(),
  ]) {
    await assert.rejects(send, (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, "unknown_url");
      assert.match(error.message, /is not served: .+; use /);
      return true;
    });
  }
});
