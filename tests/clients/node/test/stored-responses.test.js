// Stored responses with openai-node: continued, retrieved, listed in pages, deleted.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { NOVA, script, startHarness, text } from "./harness.js";

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a conversation continues by id and is retrieved", async () => {
  await harness.push(script(text("Good morning")), script(text("Goodbye")));
  const { responses } = harness.client();
  const first = await responses.create({ model: NOVA, input: "Hello" });
  const stream = responses.stream({ model: NOVA, input: "Go on", previous_response_id: first.id });
  const second = await stream.finalResponse();
  assert.equal(second.previous_response_id, first.id);
  assert.equal(second.store, true);

  const found = await responses.retrieve(second.id);
  assert.equal(found.output_text, "Goodbye");
  const events = [];
  for await (const event of await responses.retrieve(second.id, { stream: true })) events.push(event);
  assert.equal(events.at(-1).type, "response.completed");
  assert.deepEqual(events.at(-1).response.output, found.output);
});

test("input items are listed over three pages", async () => {
  await harness.push(script(text("Good morning")), script(text("Goodbye")));
  const { responses } = harness.client();
  const first = await responses.create({ model: NOVA, input: "Hello" });
  const input = [0, 1, 2, 3].map((number) => ({ role: "user", content: `Message ${number}` }));
  const second = await responses.create({ model: NOVA, input, previous_response_id: first.id });

  const pages = [];
  const page = await responses.inputItems.list(second.id, { limit: 2, order: "asc" });
  for await (const each of page.iterPages()) pages.push(each.data);
  assert.deepEqual(pages.map((data) => data.length), [2, 2, 2]);
  assert.deepEqual(
    pages.flat().map((item) => item.content[0].text),
    ["Hello", "Good morning", "Message 0", "Message 1", "Message 2", "Message 3"],
  );
});

test("a deleted response is gone", async () => {
  await harness.push(script(text("Good morning")));
  const { responses } = harness.client();
  const { id } = await responses.create({ model: NOVA, input: "Hello" });
  await responses.delete(id);
  await assert.rejects(responses.retrieve(id), { status: 404 });
  await assert.rejects(responses.create({ model: NOVA, input: "Hello", previous_response_id: id }), {
    status: 400,
    code: "previous_response_not_found",
  });
});
