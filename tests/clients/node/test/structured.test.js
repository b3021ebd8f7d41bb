// Structured output with zod schemas, with the helpers of OpenAI's SDK.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { CLAUDE, HAIKU, HELLO, NOVA, OPUS, calling, script, startHarness, valued } from "./harness.js";

const JOURNEY = z.object({
  stops: z.array(z.object({ name: z.string(), minutes: z.number() })),
  weather: z.enum(["sun", "rain"]).nullable(),
});
const TRIP = { stops: [{ name: "Lisbon", minutes: 5 }, { name: "Porto", minutes: 9 }], weather: null };
const response_format = zodResponseFormat(JOURNEY, "journey");

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

for (const model of [CLAUDE, NOVA, HAIKU]) {
  test(`parse returns a value of the schema, ${model}`, async () => {
    await harness.push(script(valued(model, TRIP)));
    const { choices } = await harness.client().chat.completions.parse({ model, messages: HELLO, response_format });
    assert.deepEqual(choices[0].message.parsed, TRIP);
    assert.equal(choices[0].finish_reason, "stop");
    assert.ok(!choices[0].message.tool_calls?.length);
  });
}

for (const model of [CLAUDE, OPUS, HAIKU]) {
  test(`a streamed value grows, ${model}`, async () => {
    await harness.push(script(valued(model, TRIP)));
    const seen = [];
    const stream = harness.client().chat.completions.stream({ model, messages: HELLO, response_format });
    stream.on("content.delta", ({ parsed }) => seen.push(parsed));
    const { choices } = await stream.finalChatCompletion();
    assert.ok(seen.length > 5);
    assert.deepEqual(choices[0].message.parsed, TRIP);
  });
}

test("a zod function has a strict schema and its arguments are parsed", async () => {
  await harness.push(script(calling([["call_1", "plan", TRIP]])));
  const tools = [zodFunction({ name: "plan", parameters: JOURNEY })];
  const { choices } = await harness.client().chat.completions.parse({ model: CLAUDE, messages: HELLO, tools });
  assert.deepEqual(choices[0].message.tool_calls[0].function.parsed_arguments, TRIP);
  assert.equal((await harness.last()).toolConfig.tools[0].toolSpec.strict, true);
});
