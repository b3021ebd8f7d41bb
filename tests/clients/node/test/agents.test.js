// OpenAI's Agents SDK for Node, on Chat Completions and on the Responses API, its default.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, run, setTracingDisabled, tool } from "@openai/agents";
import { z } from "zod";

import { CLAUDE, HAIKU, NOVA, calling, script, startHarness, text, valued } from "./harness.js";

setTracingDisabled(true);

const REPORT = z.object({ city: z.string(), degrees: z.number() });

const weather = tool({
  name: "get_weather",
  description: "Returns the weather of a city",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}`,
});

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

const APIS = { chat: OpenAIChatCompletionsModel, responses: OpenAIResponsesModel };

// Runs an agent to its end, streaming or not.
const ways = {
  nonStreaming: (agent, prompts) => run(agent, prompts),
  streamed: async (agent, prompts) => {
    const result = await run(agent, prompts, { stream: true });
    result.parts = [];
    for await (const event of result) {
      if (event.data?.type === "output_text_delta") result.parts.push(event.data.delta);
    }
    await result.completed;
    return result;
  },
};

const pairs = Object.entries(APIS).flatMap(([api, Model]) =>
  Object.entries(ways).map(([way, through]) => [`${api}, ${way}`, through, Model]),
);

for (const [way, through, Model] of pairs) {
  const model = (name) => new Model(harness.client(), name);

  test(`tools run until the final response, ${way}`, async () => {
    await harness.push(
      script(calling([["call_1", "get_weather", { city: "Lisbon" }], ["call_2", "get_weather", { city: "Porto" }]])),
      script(calling([["call_3", "get_weather", { city: "Faro" }]], [{ text: "One more." }])),
      script(text("Sunny ", "everywhere.")),
    );
    const agent = new Agent({ name: "Meteorologist", instructions: "Be brief.", model: model(CLAUDE), tools: [weather] });
    const result = await through(agent, "How is the weather?");

    assert.equal(result.finalOutput, "Sunny everywhere.");
    if (result.parts) assert.deepEqual(result.parts.slice(-2), ["Sunny ", "everywhere."]);
    const { messages, system, toolConfig } = await harness.last();
    assert.deepEqual(system, [{ text: "Be brief." }]);
    assert.equal(toolConfig.tools[0].toolSpec.strict, true);
    const results = messages.map(({ content }) => content.flatMap((block) => block.toolResult?.content ?? []));
    assert.deepEqual(results, [
      [],
      [],
      [{ text: "Sunny in Lisbon" }, { text: "Sunny in Porto" }],
      [],
      [{ text: "Sunny in Faro" }],
    ]);
  });

  test(`one agent hands over to another, ${way}`, async () => {
    await harness.push(script(calling([["call_1", "transfer_to_Portuguese", {}]])), script(text("Bom dia.")));
    const portuguese = new Agent({ name: "Portuguese", instructions: "Em português.", model: model(NOVA) });
    const triage = Agent.create({ name: "Triage", model: model(CLAUDE), handoffs: [portuguese] });
    const result = await through(triage, "Bom dia");

    assert.equal(result.finalOutput, "Bom dia.");
    assert.equal(result.lastAgent.name, "Portuguese");
    const models = (await harness.received()).map((request) => request.model);
    assert.deepEqual(models, [CLAUDE, NOVA]);
  });

  for (const name of [CLAUDE, NOVA, HAIKU]) {
    test(`output has the requested type after a tool call, ${way}, ${name}`, async () => {
      const report = { city: "Lisbon", degrees: 21 };
      await harness.push(script(calling([["call_1", "get_weather", { city: "Lisbon" }]])), script(valued(name, report)));
      const agent = new Agent({ name: "Meteorologist", model: model(name), tools: [weather], outputType: REPORT });
      const result = await through(agent, "How is the weather in Lisbon?");

      assert.deepEqual(result.finalOutput, report);
    });
  }
}
