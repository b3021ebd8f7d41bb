// Images: generation, edits, streams.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";

import OpenAI, { toFile } from "openai";

import { startHarness } from "./harness.js";

const SD = "stability.sd3-5-large-v1:0";
const INPAINT = "us.stability.stable-image-inpaint-v1:0";

let harness;
before(async () => (harness = await startHarness()));
beforeEach(() => harness.reset());
after(() => harness.stop());

// A square PNG; `pixel` returns red, green, blue and alpha of a column.
function png(side, pixel) {
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: side }, (_, x) => Buffer.from(pixel(x)))]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 6], 8);
  const rows = deflateSync(Buffer.concat(Array(side).fill(row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(kind, content) {
  const body = Buffer.concat([Buffer.from(kind), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

function sizeOf(base64) {
  const image = Buffer.from(base64, "base64");
  return [image.readUInt32BE(16), image.readUInt32BE(20)];
}

test("images are generated from a prompt", async () => {
  const response = await harness.client().images.generate({ model: SD, prompt: "a cat", n: 2 });
  assert.deepEqual(response.data.map((one) => sizeOf(one.b64_json)), [[1024, 1024], [1024, 1024]]);
});

test("an image is edited where its mask is transparent", async () => {
  const image = await toFile(png(64, () => [10, 120, 200, 255]), "cat.png", { type: "image/png" });
  const mask = await toFile(png(64, (x) => [0, 0, 0, x < 32 ? 0 : 255]), "mask.png", { type: "image/png" });
  const response = await harness.client().images.edit({ model: INPAINT, image, mask, prompt: "a hat" });
  assert.deepEqual(sizeOf(response.data[0].b64_json), [64, 64]);
  const body = await harness.last();
  assert.deepEqual(sizeOf(body.mask), [64, 64]);
  assert.equal(body.prompt, "a hat");
});

test("an image is streamed in one event", async () => {
  const stream = await harness.client().images.generate({ model: SD, prompt: "a cat", stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.deepEqual(events.map((event) => event.type), ["image_generation.completed"]);
  assert.deepEqual(sizeOf(events[0].b64_json), [1024, 1024]);
});

test("a filtered image is a policy violation", async () => {
  const requested = harness.client().images.generate({ model: SD, prompt: "a forbidden cat" });
  await assert.rejects(requested, (refusal) => {
    assert.equal(refusal.constructor, OpenAI.BadRequestError);
    assert.equal(refusal.code, "content_policy_violation");
    return true;
  });
});
