// Comments that keep the line open while a model thinks.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { HELLO, NOVA, script, startWorld, text } from "./world.js";

const REQUEST = { model: NOVA, messages: HELLO };
const SLOW = [{ kind: "drip", delay_ms: 500 }];

let world;
before(async () => (world = await startWorld('[server]\nkeepalive = "100ms"\n')));
beforeEach(() => world.reset());
after(() => world.stop());

test("the SDK passes over comments", async () => {
  await world.order(script(text("Good ", "morning"), SLOW));
  const answer = await world
    .client()
    .chat.completions.create({ ...REQUEST, stream: true })
    .asResponse();
  const body = await answer.text();
  assert.ok(body.split(": keepalive\n\n").length > 4, body);
  assert.ok(body.endsWith("data: [DONE]\n\n"), body);

  await world.order(script(text("Good ", "morning"), SLOW));
  const words = [];
  for await (const chunk of await world.client().chat.completions.create({ ...REQUEST, stream: true })) {
    words.push(chunk.choices[0].delta.content ?? "");
  }
  assert.equal(words.join(""), "Good morning");
});

test("the accumulator passes over comments", async () => {
  await world.order(script(text("Good ", "morning"), SLOW));
  const content = await world.client().chat.completions.stream(REQUEST).finalContent();
  assert.equal(content, "Good morning");
});
