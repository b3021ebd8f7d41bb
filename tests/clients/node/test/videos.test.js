// Videos with OpenAI's SDK for Node.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { toFile } from "openai";

import { startHarness } from "./harness.js";

const CONFIGURATION = `
[s3]
bucket = "outcrop-example"
path_style = true

[videos]
enabled = true
`;
const RAY = "luma.ray-v2:0";

let harness;
before(async () => (harness = await startHarness(CONFIGURATION)));
beforeEach(() => harness.reset());
after(() => harness.stop());

test("a video is created with an image, polled, downloaded and deleted", async () => {
  const { videos } = harness.client();
  const image = await toFile(Buffer.from("\xff\xd8\xff\xe0picture", "latin1"), "lake.jpg", { type: "image/jpeg" });
  let video = await videos.create({ model: RAY, prompt: "A quiet lake", seconds: "4", input_reference: image });
  assert.deepEqual([video.status, video.seconds, video.size], ["in_progress", "5", "1280x720"]);
  for (let looks = 0; video.status === "in_progress" && looks < 5; looks++) video = await videos.retrieve(video.id);
  assert.equal(video.status, "completed");
  const file = Buffer.from(await (await videos.downloadContent(video.id)).arrayBuffer());
  assert.deepEqual([file.length, file.toString("latin1", 4, 8)], [10_000, "ftyp"]);
  const listed = await videos.list();
  assert.deepEqual(listed.data.map(({ id }) => id), [video.id]);
  assert.equal((await videos.delete(video.id)).deleted, true);
  await assert.rejects(videos.retrieve(video.id), { status: 404 });
});
