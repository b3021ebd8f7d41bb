// Vercel's AI SDK with its provider for OpenAI, whose default is the Responses API. It refers to the
// items of earlier steps by their ids.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, Output, generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";

import { API_KEY, CLAUDE, HAIKU, NOVA, calling, converse, error, script, startHarness, text, valued } from "./harness.js";

globalThis.AI_SDK_LOG_WARNINGS = false;

const REPORT = z.object({ city: z.string(), degrees: z.number().int() });
const LISBON = { city: "Lisbon", degrees: 21 };

const weather = tool({
  description: "Returns the weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}`,
});

let harness;
let openai;
before(async () => {
  harness = await startHarness();
  openai = createOpenAI({ baseURL: harness.baseURL, apiKey: API_KEY });
});
beforeEach(() => harness.reset());
after(() => harness.stop());

// Streaming and non-streaming results in the same shape, without SDK retries.
const ways = {
  nonStreaming: (options) => generateText({ maxRetries: 0, ...options }),
  streamed: async (options) => {
    const result = streamText({ maxRetries: 0, onError: () => {}, ...options });
    for await (const part of result.fullStream) if (part.type === "error") throw part.error;
    const names = ["text", "steps", "usage", "finishReason", "response", "providerMetadata"];
    const values = await Promise.all(names.map((name) => result[name]));
    const whole = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    if (options.output) whole.output = await result.output;
    return whole;
  },
};

for (const [way, send] of Object.entries(ways)) {
  test(`a tool loop refers to its earlier steps, ${way}`, async () => {
    const thought = { reasoningText: { text: "Two cities.", signature: "c2lnbmVk" } };
    await harness.push(
      script(calling([["call_1", "weather", { city: "Lisbon" }], ["call_2", "weather", { city: "Porto" }]], [{ reasoningContent: thought }])),
      script(calling([["call_3", "weather", { city: "Faro" }]], [{ text: "One more." }])),
      script(text("Sunny ", "everywhere.")),
    );
    const { text: answer, steps } = await send({
      model: openai(CLAUDE),
      prompt: "How is the weather?",
      tools: { weather },
      stopWhen: isStepCount(4),
      providerOptions: { openai: { forceReasoning: true, reasoningEffort: "low", reasoningSummary: "auto" } },
    });

    assert.equal(answer, "Sunny everywhere.");
    assert.equal(steps.length, 3);
    assert.equal(steps[0].reasoningText, "Two cities.");
    const { messages } = await harness.last();
    const turns = messages.map(({ content }) => content.filter((block) => !block.cachePoint));
    assert.deepEqual(turns[1][0].reasoningContent, thought);
    assert.deepEqual(turns[1].slice(1).map((block) => block.toolUse.toolUseId), ["call_1", "call_2"]);
    assert.deepEqual(turns[2].map((block) => block.toolResult.content[0].text), ["Sunny in Lisbon", "Sunny in Porto"]);
    assert.equal(turns[3][0].text, "One more.");
    assert.deepEqual(turns[4].map((block) => block.toolResult.content[0].text), ["Sunny in Faro"]);
  });

  test(`nothing is stored on request, and the loop sends its items, ${way}`, async () => {
    await harness.push(script(calling([["call_1", "weather", { city: "Lisbon" }]], [{ text: "I look." }])), script(text("Sunny.")));
    const { text: answer } = await send({
      model: openai(NOVA),
      prompt: "How is the weather?",
      tools: { weather },
      stopWhen: isStepCount(2),
      providerOptions: { openai: { store: false } },
    });

    assert.equal(answer, "Sunny.");
    const { messages } = await harness.last();
    assert.equal(messages[1].content[0].text, "I look.");
  });

  test(`a conversation goes on with the id of its last response, ${way}`, async () => {
    await harness.push(script(text("One.")), script(text("Two.")));
    const first = await send({ model: openai(CLAUDE), prompt: "Begin" });
    const previousResponseId = first.providerMetadata.openai.responseId;
    const second = await send({ model: openai(CLAUDE), prompt: "Go on", providerOptions: { openai: { previousResponseId } } });

    assert.equal(second.text, "Two.");
    const { messages } = await harness.last();
    assert.deepEqual(messages.map(({ content }) => content[0].text), ["Begin", "One.", "Go on"]);
  });

  for (const name of [CLAUDE, NOVA, HAIKU]) {
    test(`output has the requested type, ${way}, ${name}`, async () => {
      await harness.push(script(valued(name, LISBON)));
      const { output } = await send({ model: openai(name), prompt: "Lisbon has 21 degrees", output: Output.object({ schema: REPORT }) });

      assert.deepEqual(output, LISBON);
    });
  }

  test(`a response that reaches its limit says so, ${way}`, async () => {
    await harness.push(script(converse([{ text: "Half" }], "max_tokens")));
    const { text: answer, finishReason } = await send({ model: openai(CLAUDE), prompt: "Go", maxOutputTokens: 5 });

    assert.deepEqual([answer, finishReason], ["Half", "length"]);
  });

  test(`an error has the status of Bedrock's, ${way}`, async () => {
    await harness.push(script(error(400, "ValidationException", "Input is too long for requested model.")));
    await assert.rejects(send({ model: openai(CLAUDE), prompt: "Go" }), (failure) => {
      assert.ok(APICallError.isInstance(failure));
      assert.equal(failure.statusCode, 400);
      assert.equal(failure.data.error.code, "context_length_exceeded");
      return true;
    });
  });
}
