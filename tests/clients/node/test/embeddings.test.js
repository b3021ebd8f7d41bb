// Embeddings, which the client asks for in base64 where the caller does not choose.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startWorld } from "./world.js";

const TITAN = "amazon.titan-embed-text-v2:0";
const COHERE = "cohere.embed-v4:0";

let world;
before(async () => (world = await startWorld()));
beforeEach(() => world.reset());
after(() => world.stop());

test("vectors come as numbers, whether or not they were sent as base64", async () => {
  const input = ["a rock", "an ore"];
  const answer = await world.client().embeddings.create({ model: TITAN, input });
  const asked = { model: TITAN, input, encoding_format: "float" };
  const floats = await world.client().embeddings.create(asked);
  assert.deepEqual(
    answer.data.map((entry) => [entry.index, entry.embedding.length]),
    [[0, 1024], [1, 1024]],
  );
  assert.deepEqual(answer.data[1].embedding, floats.data[1].embedding.map(Math.fround));
  assert.ok(answer.usage.prompt_tokens > 0);
});

test("dimensions and lists of tokens are served", async () => {
  const request = { model: COHERE, input: [[9906], [1917, 0]], dimensions: 512 };
  const answer = await world.client().embeddings.create(request);
  assert.deepEqual(
    answer.data.map((entry) => entry.embedding.length),
    [512, 512],
  );
});

test("a length that there is not is refused by name", async () => {
  const request = { model: TITAN, input: "a rock", dimensions: 300 };
  await assert.rejects(world.client().embeddings.create(request), { status: 400, param: "dimensions" });
});
