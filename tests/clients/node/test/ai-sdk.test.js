// Vercel's AI SDK, with its provider for OpenAI-compatible APIs.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, RetryError, generateObject, generateText, isStepCount, streamObject, streamText, tool } from "ai";
import { z } from "zod";

import {
  API_KEY,
  CLAUDE,
  HAIKU,
  NOVA,
  NOVA_OMNI,
  OPUS,
  calling,
  converse,
  error,
  script,
  startHarness,
  text,
  valued,
} from "./harness.js";

// `generateObject` and `streamObject` are deprecated but widely used.
globalThis.AI_SDK_LOG_WARNINGS = false;

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4\n%%EOF\n").toString("base64");
const WAV = Buffer.from("RIFF\x24\0\0\0WAVEfmt ", "latin1").toString("base64");
const MP4 = Buffer.from("\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "latin1").toString("base64");

const REPORT = z.object({
  city: z.string().describe("Where"),
  degrees: z.number().int(),
  rain: z.boolean().nullable(),
});
const LISBON = { city: "Lisbon", degrees: 21, rain: null };

let harness;
let bedrock;
before(async () => {
  harness = await startHarness();
  bedrock = createOpenAICompatible({
    name: "outcrop",
    baseURL: harness.baseURL,
    apiKey: API_KEY,
    includeUsage: true,
    supportsStructuredOutputs: true,
    supportsMultiPartToolContent: true,
  });
});
beforeEach(() => harness.reset());
after(() => harness.stop());

// Streaming and non-streaming results in the same shape, without SDK retries.
const ways = {
  nonStreaming: (options) => generateText({ maxRetries: 0, ...options }),
  streamed: async (options) => {
    const result = streamText({ maxRetries: 0, onError: () => {}, ...options });
    const parts = [];
    for await (const part of result.fullStream) {
      if (part.type === "error") throw part.error;
      parts.push(part);
    }
    const names = ["text", "reasoningText", "usage", "finishReason", "steps", "toolCalls", "response"];
    const values = await Promise.all(names.map((name) => result[name]));
    const nonStreaming = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    if (options.output) nonStreaming.output = await result.output;
    return { parts, ...nonStreaming };
  },
};

for (const [way, send] of Object.entries(ways)) {
  test(`text with usage, ${way}`, async () => {
    const usage = { cacheReadInputTokens: 100, cacheWriteInputTokens: 20 };
    await harness.push(script(converse([{ text: "Good morning, you" }], "end_turn", usage)));
    const response = await send({ model: bedrock(CLAUDE), instructions: "Be brief.", prompt: "Good morning" });

    assert.equal(response.text, "Good morning, you");
    assert.equal(response.finishReason, "stop");
    assert.equal(response.response.modelId, CLAUDE);
    assert.equal(response.usage.inputTokens, 130);
    assert.equal(response.usage.inputTokenDetails.cacheReadTokens, 100);
    assert.equal(response.usage.outputTokens, 5);
    assert.equal(response.usage.totalTokens, 135);
    assert.deepEqual((await harness.last()).system, [{ text: "Be brief." }]);
  });

  for (const model of [CLAUDE, NOVA]) {
    test(`tools run until the final response, ${way}, ${model}`, async () => {
      await harness.push(
        script(calling([["call_1", "weather", { city: "Lisbon" }], ["call_2", "weather", { city: "Porto" }]])),
        script(calling([["call_3", "hour", {}]], [{ text: "And the hour?" }])),
        script(text("Sunny ", "at noon.")),
      );
      const response = await send({
        model: bedrock(model),
        prompt: "How is the weather?",
        stopWhen: isStepCount(5),
        tools: {
          weather: tool({
            description: "Returns the weather of a city",
            inputSchema: z.object({ city: z.string() }),
            execute: async ({ city }) => ({ city, sky: "sunny" }),
          }),
          hour: tool({ description: "Returns the hour", inputSchema: z.object({}), execute: async () => "12:00" }),
        },
      });

      assert.equal(response.text, "Sunny at noon.");
      assert.equal(response.steps.length, 3);
      const { messages } = await harness.last();
      const results = messages.map(({ content }) => content.flatMap((block) => block.toolResult ?? []));
      assert.deepEqual(
        results.map((assistantTurn) => assistantTurn.map(({ toolUseId, content }) => [toolUseId, content])),
        [
          [],
          [],
          [
            ["call_1", [{ text: '{"city":"Lisbon","sky":"sunny"}' }]],
            ["call_2", [{ text: '{"city":"Porto","sky":"sunny"}' }]],
          ],
          [],
          [["call_3", [{ text: "12:00" }]]],
        ],
      );
    });

    test(`an object of a schema, ${way}, ${model}`, async () => {
      await harness.push(script(valued(model, LISBON)));
      const response = await send({
        model: bedrock(model),
        prompt: "How is the weather in Lisbon?",
        output: Output.object({ schema: REPORT }),
      });

      assert.deepEqual(response.output, LISBON);
      assert.equal(response.finishReason, "stop");
    });

    test(`an object of a schema after a tool call, ${way}, ${model}`, async () => {
      await harness.push(script(calling([["call_1", "sky", {}]])), script(valued(model, LISBON)));
      const response = await send({
        model: bedrock(model),
        prompt: "How is the weather in Lisbon?",
        stopWhen: isStepCount(3),
        tools: { sky: tool({ inputSchema: z.object({}), execute: async () => "blue" }) },
        output: Output.object({ schema: REPORT }),
      });

      assert.deepEqual(response.output, LISBON);
      assert.equal(response.steps.length, 2);
    });
  }

  test(`reasoning is separate and sent back signed, ${way}`, async () => {
    // The SDK sends the reasoning text back, but not its signature. The simulator reasons, calls
    // the tool, and rejects a tool call without its reasoning.
    const response = await send({
      model: bedrock(CLAUDE),
      prompt: "What is the time? Tell the hour.",
      reasoning: "medium",
      maxOutputTokens: 4000,
      stopWhen: isStepCount(2),
      tools: { hour: tool({ description: "Returns the hour", inputSchema: z.object({}), execute: async () => "12" }) },
    });

    assert.ok(response.text.includes("12"), response.text);
    assert.ok(response.steps[0].reasoningText);
    const [first, second] = (await harness.received()).map((request) => request.body_json);
    assert.equal(first.additionalModelRequestFields.thinking.type, "enabled");
    const { text, signature } = second.messages[1].content[0].reasoningContent.reasoningText;
    assert.equal(text, response.steps[0].reasoningText);
    assert.ok(signature);
    if (response.parts) {
      const kinds = response.parts.map((part) => part.type);
      assert.ok(kinds.indexOf("reasoning-delta") < kinds.indexOf("text-delta"));
    }
  });

  test(`a Bedrock error is an APICallError, ${way}`, async () => {
    await harness.push(script(error(403, "AccessDeniedException")));
    await assert.rejects(send({ model: bedrock(NOVA), prompt: "Hello" }), (refusal) => {
      assert.ok(APICallError.isInstance(refusal));
      assert.deepEqual([refusal.statusCode, refusal.isRetryable, refusal.data.error.code], [403, false, "model_access_denied"]);
      return true;
    });
  });

  test(`its retries and those of the gateway do not multiply, ${way}`, async (context) => {
    await harness.push(script(error(429, "ThrottlingException", "Too many requests"), [], { times: 0 }));
    const waits = withoutLongWaits(context);
    // The SDK's default number of retries; it sends no retry-count header.
    await assert.rejects(send({ model: bedrock(NOVA), prompt: "Hello", maxRetries: undefined }), (failure) => {
      assert.ok(RetryError.isInstance(failure));
      assert.equal(failure.errors.length, 3);
      return true;
    });
    const calls = (await harness.received()).length;
    await harness.clear();
    assert.equal(waits.length, 2, "it waits as long as the gateway says");
    assert.equal(calls, 6, "four attempts of the gateway, and one for each of its retries");
  });

  test(`aborting a response cancels the call to Bedrock, ${way}`, async () => {
    await harness.push(script(text("Good ", "morning"), [{ kind: "stall", after_events: 2 }]));
    const leaving = new AbortController();
    const response = send({ model: bedrock(NOVA), prompt: "Hello", abortSignal: leaving.signal });
    await harness.untilCallIsOpen();
    leaving.abort();
    await Promise.allSettled([response]);
    await harness.untilAbandoned();
  });
}

test("arrays and enums with generateObject", async () => {
  const model = bedrock(CLAUDE);
  await harness.push(
    script(converse([{ text: JSON.stringify({ elements: [LISBON, LISBON] }) }])),
    script(converse([{ text: '{"result":"rain"}' }])),
  );
  const several = await generateObject({ model, prompt: "Two cities", output: "array", schema: REPORT });
  const one = await generateObject({ model, prompt: "Which?", output: "enum", enum: ["sun", "rain"] });

  assert.deepEqual(several.object, [LISBON, LISBON]);
  assert.equal(one.object, "rain");
  const { textFormat } = (await harness.last()).outputConfig;
  const schema = JSON.parse(textFormat.structure.jsonSchema.schema);
  assert.deepEqual(schema.properties.result.enum, ["sun", "rain"]);
});

for (const model of [CLAUDE, OPUS, HAIKU]) {
  test(`an object grows as it is streamed, ${model}`, async () => {
    // The simulator streams texts word by word, and inputs of Claude's tools in short deltas.
    const report = { ...LISBON, city: "Vila Real de Santo António in the far south of Portugal" };
    await harness.push(script(valued(model, report)));
    const { partialObjectStream, object } = streamObject({ model: bedrock(model), prompt: "Weather?", schema: REPORT });
    const cities = new Set();
    for await (const partial of partialObjectStream) cities.add(partial.city ?? "");

    assert.deepEqual(await object, report);
    assert.ok(cities.size > 2, `seen as it grew: ${[...cities]}`);
  });
}

test("JSON without a schema", async () => {
  await harness.push(script(converse([{ text: "```json\n" + JSON.stringify(LISBON) + "\n```" }])));
  const { output } = await generateText({ model: bedrock(NOVA), prompt: "JSON, please", output: Output.json() });
  assert.deepEqual(output, LISBON);
});

test("images, documents, audio and video", async () => {
  await generateText({
    model: bedrock(NOVA_OMNI),
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What are these?" },
          { type: "file", data: PNG, mediaType: "image/png" },
          { type: "file", data: PDF, mediaType: "application/pdf", filename: "report.pdf" },
          { type: "file", data: WAV, mediaType: "audio/wav" },
          { type: "file", data: MP4, mediaType: "video/mp4" },
        ],
      },
    ],
  });
  const [userMessage, image, document, audio, video] = (await harness.last()).messages[0].content;
  assert.deepEqual(userMessage, { text: "What are these?" });
  assert.deepEqual(image.image, { format: "png", source: { bytes: PNG } });
  assert.deepEqual([document.document.format, document.document.source], ["pdf", { bytes: PDF }]);
  assert.deepEqual(audio.audio, { format: "wav", source: { bytes: WAV } });
  assert.deepEqual(video.video, { format: "mp4", source: { bytes: MP4 } });
});

test("an image in a tool result", async () => {
  await harness.push(script(calling([["call_1", "photograph", {}]])), script(text("A mountain.")));
  await generateText({
    model: bedrock(CLAUDE),
    prompt: "Take a photograph",
    stopWhen: isStepCount(2),
    tools: {
      photograph: tool({
        inputSchema: z.object({}),
        execute: async () => PNG,
        toModelOutput: ({ output }) => ({
          type: "content",
          value: [
            { type: "text", text: "Here:" },
            { type: "file", data: { type: "data", data: output }, mediaType: "image/png" },
          ],
        }),
      }),
    },
  });
  const [{ toolResult }] = (await harness.last()).messages[2].content;
  assert.deepEqual(toolResult.content, [{ text: "Here:" }, { image: { format: "png", source: { bytes: PNG } } }]);
});

test("provider options reach the gateway", async () => {
  const cached = { openaiCompatible: { cache_control: { type: "ephemeral" } } };
  await generateText({
    model: bedrock(CLAUDE),
    providerOptions: { outcrop: { top_k: 5, requestMetadata: { team: "a" } } },
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "A long document.", providerOptions: cached },
          { type: "text", text: "A question?" },
        ],
      },
    ],
  });
  const body = await harness.last();
  assert.deepEqual(body.messages[0].content, [
    { text: "A long document." },
    { cachePoint: { type: "default" } },
    { text: "A question?" },
  ]);
  assert.equal(body.additionalModelRequestFields.top_k, 5);
  assert.deepEqual(body.requestMetadata, { team: "a" });
});

// Skips and records the delays of `retry-after` (two seconds or more) for the duration of a test;
// other timers, such as those of HTTP connections, are unaffected.
function withoutLongWaits(context) {
  const waits = [];
  const wait = globalThis.setTimeout;
  context.mock.method(globalThis, "setTimeout", (done, milliseconds, ...more) => {
    if (!(milliseconds >= 2000 && milliseconds <= 3000)) return wait(done, milliseconds, ...more);
    waits.push(milliseconds);
    return wait(done, 0, ...more);
  });
  return waits;
}
