// Tools: calls, streaming and non-streaming, and the SDK's helpers that run them.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { CLAUDE, NOVA, events, script, startHarness } from "./harness.js";

const PROMPT = [{ role: "user", content: "How is the weather in Lisbon?" }];
const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
const WEATHER = tool("get_weather", "Returns the weather of a city", PARAMETERS);
const TIME = tool("get_time", "Returns the hour");

// A sentence, a call in several deltas, and a call without arguments.
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

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a non-streaming response has the tool call", async () => {
  const completion = await harness
    .client()
    .chat.completions.create({ model: CLAUDE, messages: PROMPT, tools: [WEATHER, TIME] });
  const [choice] = completion.choices;
  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls.length, 1);
  const [call] = choice.message.tool_calls;
  assert.deepEqual([call.type, call.function.name], ["function", "get_weather"]);
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Lisbon" });
});

test("streamed tool calls are indexed from zero and named once", async () => {
  await harness.push(script(TWO_CALLS));
  const stream = await harness
    .client()
    .chat.completions.create({ model: CLAUDE, messages: PROMPT, tools: [WEATHER, TIME], stream: true });
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

test("the SDK accumulator builds the tool calls", async () => {
  await harness.push(script(TWO_CALLS));
  const done = [];
  const stream = harness
    .client()
    .chat.completions.stream({ model: CLAUDE, messages: PROMPT, tools: [WEATHER, TIME] });
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
    test(`runTools runs the tool and sends its result back, ${stream ? "streaming" : "non-streaming"}, ${model}`, async () => {
      const toolCalls = [];
      const result = '{"degrees": 21.50, "note": "“mild”"}';
      const runnable = {
        type: "function",
        function: {
          name: "weather.of/city",
          description: "Returns the weather of a city",
          parameters: PARAMETERS,
          parse: JSON.parse,
          function: (input) => {
            toolCalls.push(input);
            return result;
          },
        },
      };
      const runner = harness
        .client()
        .chat.completions.runTools({ model, messages: PROMPT, tools: [runnable], stream });
      const content = await runner.finalContent();
      assert.deepEqual(toolCalls, [{ city: "Lisbon" }]);
      assert.ok(content.includes(result), content);
      const requests = await harness.received();
      assert.equal(requests.length, 2);
      const [block] = requests[1].body_json.messages.at(-1).content;
      assert.deepEqual(block.toolResult.content, [{ text: result }]);
    });
  }
}

test("tool_choice none suppresses tool calls", async () => {
  await harness.push(script(TWO_CALLS));
  const { choices } = await harness
    .client()
    .chat.completions.stream({ model: CLAUDE, messages: PROMPT, tools: [WEATHER, TIME], tool_choice: "none" })
    .finalChatCompletion();
  assert.equal(choices[0].message.tool_calls, undefined);
  assert.deepEqual([choices[0].message.content, choices[0].finish_reason], ["Let me look.", "stop"]);
});

function tool(name, description, parameters) {
  return { type: "function", function: { name, description, parameters } };
}
