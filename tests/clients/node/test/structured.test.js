// Answers of a zod schema, by the helpers of OpenAI's SDK.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { CLAUDE, HELLO, NOVA, OPUS, calling, converse, script, startWorld } from "./world.js";

// Neither caches prompts nor has a form of its own for JSON, so that the gateway makes a tool of the schema.
const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";

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

// How a model says the value: by the tool, as text alone, or within prose where it is told so in words.
function inTheWordsOf(model) {
  if (model === HAIKU) return calling([["tooluse_J", "json_response", SAID]]);
  const value = JSON.stringify(SAID, null, 1);
  return converse([{ text: model !== NOVA ? value : `Here it is:\n\`\`\`json\n${value}\n\`\`\`` }]);
}

for (const model of [CLAUDE, NOVA, HAIKU]) {
  test(`parse gives the value of the schema, ${model}`, async () => {
    await world.order(script(inTheWordsOf(model)));
    const { choices } = await world.client().chat.completions.parse({ model, messages: HELLO, response_format });
    assert.deepEqual(choices[0].message.parsed, SAID);
    assert.equal(choices[0].finish_reason, "stop");
    assert.ok(!choices[0].message.tool_calls?.length);
  });
}

for (const model of [CLAUDE, OPUS, HAIKU]) {
  test(`a streamed value grows, ${model}`, async () => {
    await world.order(script(inTheWordsOf(model)));
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
