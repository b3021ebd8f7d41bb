// Vercel's AI SDK, through its provider for APIs that are compatible with OpenAI's.

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
  startWorld,
  text,
  valued,
} from "./world.js";

// `generateObject` and `streamObject` are deprecated, and much used.
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

let world;
let bedrock;
before(async () => {
  world = await startWorld();
  bedrock = createOpenAICompatible({
    name: "outcrop",
    baseURL: world.baseURL,
    apiKey: API_KEY,
    includeUsage: true,
    supportsStructuredOutputs: true,
    supportsMultiPartToolContent: true,
  });
});
beforeEach(() => world.reset());
after(() => world.stop());

// Whole and streamed, in the same shape; the retries of the SDK are off.
const ways = {
  whole: (options) => generateText({ maxRetries: 0, ...options }),
  streamed: async (options) => {
    const result = streamText({ maxRetries: 0, onError: () => {}, ...options });
    const parts = [];
    for await (const part of result.fullStream) {
      if (part.type === "error") throw part.error;
      parts.push(part);
    }
    const names = ["text", "reasoningText", "usage", "finishReason", "steps", "toolCalls", "response"];
    const values = await Promise.all(names.map((name) => result[name]));
    const whole = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    if (options.output) whole.output = await result.output;
    return { parts, ...whole };
  },
};

for (const [way, ask] of Object.entries(ways)) {
  test(`a text with its usage, ${way}`, async () => {
    const usage = { cacheReadInputTokens: 100, cacheWriteInputTokens: 20 };
    await world.order(script(converse([{ text: "Good morning, you" }], "end_turn", usage)));
    const answer = await ask({ model: bedrock(CLAUDE), instructions: "Be brief.", prompt: "Good morning" });

    assert.equal(answer.text, "Good morning, you");
    assert.equal(answer.finishReason, "stop");
    assert.equal(answer.response.modelId, CLAUDE);
    assert.equal(answer.usage.inputTokens, 130);
    assert.equal(answer.usage.inputTokenDetails.cacheReadTokens, 100);
    assert.equal(answer.usage.outputTokens, 5);
    assert.equal(answer.usage.totalTokens, 135);
    assert.deepEqual((await world.last()).system, [{ text: "Be brief." }]);
  });

  for (const model of [CLAUDE, NOVA]) {
    test(`tools are run until there is an answer, ${way}, ${model}`, async () => {
      await world.order(
        script(calling([["call_1", "weather", { city: "Lisbon" }], ["call_2", "weather", { city: "Porto" }]])),
        script(calling([["call_3", "hour", {}]], [{ text: "And the hour?" }])),
        script(text("Sunny ", "at noon.")),
      );
      const answer = await ask({
        model: bedrock(model),
        prompt: "How is the weather?",
        stopWhen: isStepCount(5),
        tools: {
          weather: tool({
            description: "Tells the weather of a city",
            inputSchema: z.object({ city: z.string() }),
            execute: async ({ city }) => ({ city, sky: "sunny" }),
          }),
          hour: tool({ description: "Tells the hour", inputSchema: z.object({}), execute: async () => "12:00" }),
        },
      });

      assert.equal(answer.text, "Sunny at noon.");
      assert.equal(answer.steps.length, 3);
      const { messages } = await world.last();
      const results = messages.map(({ content }) => content.flatMap((block) => block.toolResult ?? []));
      assert.deepEqual(
        results.map((turn) => turn.map(({ toolUseId, content }) => [toolUseId, content])),
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
      await world.order(script(valued(model, LISBON)));
      const answer = await ask({
        model: bedrock(model),
        prompt: "How is the weather in Lisbon?",
        output: Output.object({ schema: REPORT }),
      });

      assert.deepEqual(answer.output, LISBON);
      assert.equal(answer.finishReason, "stop");
    });

    test(`an object of a schema after a call of a tool, ${way}, ${model}`, async () => {
      await world.order(script(calling([["call_1", "sky", {}]])), script(valued(model, LISBON)));
      const answer = await ask({
        model: bedrock(model),
        prompt: "How is the weather in Lisbon?",
        stopWhen: isStepCount(3),
        tools: { sky: tool({ inputSchema: z.object({}), execute: async () => "blue" }) },
        output: Output.object({ schema: REPORT }),
      });

      assert.deepEqual(answer.output, LISBON);
      assert.equal(answer.steps.length, 2);
    });
  }

  test(`thoughts stand apart, and go back signed, ${way}`, async () => {
    // The SDK sends the text of a thought back, but has no place for its signature. The simulator
    // thinks, calls the tool, and refuses a call that comes back without its thoughts.
    const answer = await ask({
      model: bedrock(CLAUDE),
      prompt: "What is the time? Tell the hour.",
      reasoning: "medium",
      maxOutputTokens: 4000,
      stopWhen: isStepCount(2),
      tools: { hour: tool({ description: "Tells the hour", inputSchema: z.object({}), execute: async () => "12" }) },
    });

    assert.ok(answer.text.includes("12"), answer.text);
    assert.ok(answer.steps[0].reasoningText);
    const [first, second] = (await world.received()).map((request) => request.body_json);
    assert.equal(first.additionalModelRequestFields.thinking.type, "enabled");
    const { text, signature } = second.messages[1].content[0].reasoningContent.reasoningText;
    assert.equal(text, answer.steps[0].reasoningText);
    assert.ok(signature);
    if (answer.parts) {
      const kinds = answer.parts.map((part) => part.type);
      assert.ok(kinds.indexOf("reasoning-delta") < kinds.indexOf("text-delta"));
    }
  });

  test(`what Bedrock refuses is an APICallError, ${way}`, async () => {
    await world.order(script(error(403, "AccessDeniedException")));
    await assert.rejects(ask({ model: bedrock(NOVA), prompt: "Hello" }), (refusal) => {
      assert.ok(APICallError.isInstance(refusal));
      assert.deepEqual([refusal.statusCode, refusal.isRetryable, refusal.data.error.code], [403, false, "model_access_denied"]);
      return true;
    });
  });

  test(`its retries and those of the gateway do not multiply, ${way}`, async (context) => {
    await world.order(script(error(429, "ThrottlingException", "Too many requests"), [], { times: 0 }));
    const waits = withoutLongWaits(context);
    // The SDK's own number of retries, which it sends no header of.
    await assert.rejects(ask({ model: bedrock(NOVA), prompt: "Hello", maxRetries: undefined }), (failure) => {
      assert.ok(RetryError.isInstance(failure));
      assert.equal(failure.errors.length, 3);
      return true;
    });
    const calls = (await world.received()).length;
    await world.clear();
    assert.equal(waits.length, 2, "it waits as long as the gateway says");
    assert.equal(calls, 6, "four attempts of the gateway, and one for each of its retries");
  });

  test(`an aborted answer ends the call to Bedrock, ${way}`, async () => {
    await world.order(script(text("Good ", "morning"), [{ kind: "silence", after_events: 2 }]));
    const leaving = new AbortController();
    const answer = ask({ model: bedrock(NOVA), prompt: "Hello", abortSignal: leaving.signal });
    await world.untilUnderWay();
    leaving.abort();
    await Promise.allSettled([answer]);
    await world.untilAbandoned();
  });
}

test("an array and a choice, by generateObject", async () => {
  const model = bedrock(CLAUDE);
  await world.order(
    script(converse([{ text: JSON.stringify({ elements: [LISBON, LISBON] }) }])),
    script(converse([{ text: '{"result":"rain"}' }])),
  );
  const several = await generateObject({ model, prompt: "Two cities", output: "array", schema: REPORT });
  const one = await generateObject({ model, prompt: "Which?", output: "enum", enum: ["sun", "rain"] });

  assert.deepEqual(several.object, [LISBON, LISBON]);
  assert.equal(one.object, "rain");
  const { textFormat } = (await world.last()).outputConfig;
  const schema = JSON.parse(textFormat.structure.jsonSchema.schema);
  assert.deepEqual(schema.properties.result.enum, ["sun", "rain"]);
});

for (const model of [CLAUDE, OPUS, HAIKU]) {
  test(`an object grows as it is streamed, ${model}`, async () => {
    // The simulator cuts texts at words, and inputs of Claude's tools into short pieces.
    const report = { ...LISBON, city: "Vila Real de Santo António in the far south of Portugal" };
    await world.order(script(valued(model, report)));
    const { partialObjectStream, object } = streamObject({ model: bedrock(model), prompt: "Weather?", schema: REPORT });
    const cities = new Set();
    for await (const partial of partialObjectStream) cities.add(partial.city ?? "");

    assert.deepEqual(await object, report);
    assert.ok(cities.size > 2, `seen as it grew: ${[...cities]}`);
  });
}

test("JSON without a schema", async () => {
  await world.order(script(converse([{ text: "```json\n" + JSON.stringify(LISBON) + "\n```" }])));
  const { output } = await generateText({ model: bedrock(NOVA), prompt: "JSON, please", output: Output.json() });
  assert.deepEqual(output, LISBON);
});

test("pictures, documents, sound and films", async () => {
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
  const [question, image, document, audio, video] = (await world.last()).messages[0].content;
  assert.deepEqual(question, { text: "What are these?" });
  assert.deepEqual(image.image, { format: "png", source: { bytes: PNG } });
  assert.deepEqual([document.document.format, document.document.source], ["pdf", { bytes: PDF }]);
  assert.deepEqual(audio.audio, { format: "wav", source: { bytes: WAV } });
  assert.deepEqual(video.video, { format: "mp4", source: { bytes: MP4 } });
});

test("a picture that a tool brings", async () => {
  await world.order(script(calling([["call_1", "photograph", {}]])), script(text("A mountain.")));
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
  const [{ toolResult }] = (await world.last()).messages[2].content;
  assert.deepEqual(toolResult.content, [{ text: "Here:" }, { image: { format: "png", source: { bytes: PNG } } }]);
});

test("options of the provider reach the gateway", async () => {
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
  const body = await world.last();
  assert.deepEqual(body.messages[0].content, [
    { text: "A long document." },
    { cachePoint: { type: "default" } },
    { text: "A question?" },
  ]);
  assert.equal(body.additionalModelRequestFields.top_k, 5);
  assert.deepEqual(body.requestMetadata, { team: "a" });
});

// The waits that the gateway asks for, two to three seconds, end at once while the test lasts, and
// are written down; other timers, such as those of HTTP connections, stay as they are.
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
