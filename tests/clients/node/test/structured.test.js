// Answers of a zod schema, by the helpers of OpenAI's SDK.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { CLAUDE, HAIKU, HELLO, NOVA, OPUS, calling, script, startWorld, valued } from "./world.js";

const JOURNEY = z.object({
  stops: z.array(z.object({ name: z.string(), minutes: z.number() })),
  weather: z.enum(["sun", "rain"]).nullable(),
});
const SAID = { stops: [{ name: "Lisbon", minutes: 5 }, { name: "Porto", minutes: 9 }], weather: null };
const response_format = zodResponseFormat(JOURNEY, "journey");

let world;
before(async () => (world = await startWorld()));
beforeEach(() => world.reset());
after(() => world.stop());

for (const model of [CLAUDE, NOVA, HAIKU]) {
  test(`parse gives the value of the schema, ${model}`, async () => {
    await world.order(script(valued(model, SAID)));
    const { choices } = await world.client().chat.completions.parse({ model, messages: HELLO, response_format });
    assert.deepEqual(choices[0].message.parsed, SAID);
    assert.equal(choices[0].finish_reason, "stop");
    assert.ok(!choices[0].message.tool_calls?.length);
  });
}

for (const model of [CLAUDE, OPUS, HAIKU]) {
  test(`a streamed value grows, ${model}`, async () => {
    await world.order(script(valued(model, SAID)));
    const seen = [];
    const stream = world.client().chat.completions.stream({ model, messages: HELLO, response_format });
    stream.on("content.delta", ({ parsed }) => seen.push(parsed));
    const { choices } = await stream.finalChatCompletion();
    assert.ok(seen.length > 5);
    assert.deepEqual(choices[0].message.parsed, SAID);
  });
}

test("a function of zod is held to its schema, and its arguments are parsed", async () => {
  await world.order(script(calling([["call_1", "plan", SAID]])));
  const tools = [zodFunction({ name: "plan", parameters: JOURNEY })];
  const { choices } = await world.client().chat.completions.parse({ model: CLAUDE, messages: HELLO, tools });
  assert.deepEqual(choices[0].message.tool_calls[0].function.parsed_arguments, SAID);
  assert.equal((await world.last()).toolConfig.tools[0].toolSpec.strict, true);
});
