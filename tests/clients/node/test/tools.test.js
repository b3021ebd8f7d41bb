// Tools: calls, whole and streamed, and the SDK's helpers that run them.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { CLAUDE, NOVA, events, script, startWorld } from "./world.js";

const QUESTION = [{ role: "user", content: "How is the weather in Lisbon?" }];
const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
const WEATHER = tool("get_weather", "Tells the weather of a city", PARAMETERS);
const TIME = tool("get_time", "Tells the hour");

// A sentence, a call in pieces, and a call without arguments.
const TWO_CALLS = events(
  ["messageStart", { role: "assistant" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Let me look." } }],
  ["contentBlockStop", { contentBlockIndex: 0 }],
  ["contentBlockStart", { contentBlockIndex: 1, start: { toolUse: { toolUseId: "tooluse_A", name: "get_weather" } } }],
  ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: '{"ci' } } }],
  ["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: 'ty": "Lisbon"}' } } }],
  ["contentBlockStop", { contentBlockIndex: 1 }],
  ["contentBlockStart", { contentBlockIndex: 2, start: { toolUse: { toolUseId: "tooluse_B", name: "get_time" } } }],
  ["contentBlockStop", { contentBlockIndex: 2 }],
  ["messageStop", { stopReason: "tool_use" }],
  ["metadata", { usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } }],
);

let world;
before(async () => (world = await startWorld()));
beforeEach(() => world.reset());
after(() => world.stop());

test("a whole answer has the call", async () => {
  const completion = await world
    .client()
    .chat.completions.create({ model: CLAUDE, messages: QUESTION, tools: [WEATHER, TIME] });
  const [choice] = completion.choices;
  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls.length, 1);
  const [call] = choice.message.tool_calls;
  assert.deepEqual([call.type, call.function.name], ["function", "get_weather"]);
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Lisbon" });
});

test("streamed calls are counted from zero and named once", async () => {
  await world.order(script(TWO_CALLS));
  const stream = await world
    .client()
    .chat.completions.create({ model: CLAUDE, messages: QUESTION, tools: [WEATHER, TIME], stream: true });
  const fragments = [];
  for await (const chunk of stream) {
    for (const call of chunk.choices[0].delta.tool_calls ?? []) {
      fragments.push([call.index, call.id, call.function.name, call.function.arguments]);
    }
  }
  assert.deepEqual(fragments, [
    [0, "tooluse_A", "get_weather", ""],
    [0, undefined, undefined, '{"ci'],
    [0, undefined, undefined, 'ty": "Lisbon"}'],
    [1, "tooluse_B", "get_time", ""],
    [1, undefined, undefined, "{}"],
  ]);
});

test("the accumulator of the SDK gives the whole calls", async () => {
  await world.order(script(TWO_CALLS));
  const done = [];
  const stream = world
    .client()
    .chat.completions.stream({ model: CLAUDE, messages: QUESTION, tools: [WEATHER, TIME] });
  stream.on("tool_calls.function.arguments.done", (event) => done.push([event.index, event.name, event.arguments]));
  const { choices } = await stream.finalChatCompletion();
  assert.deepEqual(done, [
    [0, "get_weather", '{"city": "Lisbon"}'],
    [1, "get_time", "{}"],
  ]);
  assert.equal(choices[0].finish_reason, "tool_calls");
  assert.equal(choices[0].message.content, "Let me look.");
  assert.deepEqual(
    choices[0].message.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]),
    [
      ["tooluse_A", "get_weather", '{"city": "Lisbon"}'],
      ["tooluse_B", "get_time", "{}"],
    ],
  );
});

for (const stream of [false, true]) {
  for (const model of [CLAUDE, NOVA]) {
    test(`runTools runs the tool and brings its result back, ${stream ? "streamed" : "whole"}, ${model}`, async () => {
      const asked = [];
      const result = '{"degrees": 21.50, "note": "“mild”"}';
      const runnable = {
        type: "function",
        function: {
          name: "weather.of/city",
          description: "Tells the weather of a city",
          parameters: PARAMETERS,
          parse: JSON.parse,
          function: (given) => {
            asked.push(given);
            return result;
          },
        },
      };
      const runner = world
        .client()
        .chat.completions.runTools({ model, messages: QUESTION, tools: [runnable], stream });
      const content = await runner.finalContent();
      assert.deepEqual(asked, [{ city: "Lisbon" }]);
      assert.ok(content.includes(result), content);
      const requests = await world.received();
      assert.equal(requests.length, 2);
      const [block] = requests[1].body_json.messages.at(-1).content;
      assert.deepEqual(block.toolResult.content, [{ text: result }]);
    });
  }
}

test("no call reaches a client that asked for none", async () => {
  await world.order(script(TWO_CALLS));
  const { choices } = await world
    .client()
    .chat.completions.stream({ model: CLAUDE, messages: QUESTION, tools: [WEATHER, TIME], tool_choice: "none" })
    .finalChatCompletion();
  assert.equal(choices[0].message.tool_calls, undefined);
  assert.deepEqual([choices[0].message.content, choices[0].finish_reason], ["Let me look.", "stop"]);
});

function tool(name, description, parameters) {
  return { type: "function", function: { name, description, parameters } };
}
