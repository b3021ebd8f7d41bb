// Embeddings, which the client requests in base64 by default.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startHarness } from "./harness.js";

const TITAN = "amazon.titan-embed-text-v2:0";
const COHERE = "cohere.embed-v4:0";

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("embeddings are returned as numbers with and without base64", async () => {
  const input = ["a rock", "an ore"];
  const response = await harness.client().embeddings.create({ model: TITAN, input });
  const requested = { model: TITAN, input, encoding_format: "float" };
  const floats = await harness.client().embeddings.create(requested);
  assert.deepEqual(
    response.data.map((entry) => [entry.index, entry.embedding.length]),
    [[0, 1024], [1, 1024]],
  );
  assert.deepEqual(response.data[1].embedding, floats.data[1].embedding.map(Math.fround));
  assert.ok(response.usage.prompt_tokens > 0);
});

test("dimensions and token lists are supported", async () => {
  const request = { model: COHERE, input: [[9906], [1917, 0]], dimensions: 512 };
  const response = await harness.client().embeddings.create(request);
  assert.deepEqual(
    response.data.map((entry) => entry.embedding.length),
    [512, 512],
  );
});

test("unsupported dimensions are rejected by name", async () => {
  const request = { model: TITAN, input: "a rock", dimensions: 300 };
  await assert.rejects(harness.client().embeddings.create(request), { status: 400, param: "dimensions" });
});
