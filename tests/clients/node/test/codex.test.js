// Codex CLI on Bedrock models: sessions with tools, its retries, and the compaction of long contexts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";

import { Workspace, settingsFor } from "./codex.js";
import { CLAUDE, NOVA, calling, converse, error, script, startHarness, text } from "./harness.js";

const GPT_OSS = "openai.gpt-oss-120b-1:0";

// Codex sees each failure, since the gateway does not retry.
const CONFIGURATION = `
[retry]
max_attempts = 1

[models]
"claude" = "${CLAUDE}"
"nova" = "${NOVA}"
"gpt-oss" = "${GPT_OSS}"
"gpt-5.5" = "${CLAUDE}"
`;

const GREETING = 'print("Hello")\n';
const POLITE = 'print("Good morning")\n';
const PATCH = `*** Begin Patch
*** Update File: greet.py
@@
-${GREETING}+${POLITE}*** End Patch
`;

let harness;
let workspace;
before(async () => (harness = await startHarness(CONFIGURATION)));
beforeEach(() => harness.clear());
afterEach(() => workspace.close());
after(() => harness.stop());

function open(model, general, more) {
  workspace = new Workspace(settingsFor(harness.baseURL, model, general, more), { "greet.py": GREETING });
  return workspace;
}

function greeting() {
  return readFileSync(join(workspace.folder, "greet.py"), "utf8");
}

// A call of Codex's shell.
function shell(id, cmd, before) {
  return script(calling([[id, "exec_command", { cmd }]], before));
}

// The texts of all tool results in a request.
function results({ messages }) {
  const blocks = messages.flatMap(({ content }) => content);
  const results = blocks.flatMap((block) => block.toolResult?.content ?? []);
  return results.map((part) => part.text);
}

for (const model of ["claude", "nova", "gpt-oss"]) {
  test(`a session reads, patches and runs a file, ${model}`, async () => {
    await harness.push(
      shell("call_1", "cat greet.py", [{ text: "I read it first." }]),
      shell("call_2", `apply_patch <<'EOF'\n${PATCH}EOF\n`),
      shell("call_3", "sh -c 'echo ran; cat greet.py'"),
      script(text("It is ", "polite now.")),
    );
    const { code, messages, items, diagnostics } = await open(model).run("Make it polite");

    assert.equal(code, 0, diagnostics);
    assert.deepEqual(messages, ["I read it first.", "It is polite now."]);
    assert.equal(greeting(), POLITE);
    assert.ok(items.some(({ type }) => type === "file_change"));
    const outputs = results(await harness.last());
    assert.equal(outputs.length, 3);
    assert.match(outputs[0], /print\("Hello"\)/);
    assert.match(outputs[1], /M greet\.py/);
    assert.match(outputs[2], /ran\nprint\("Good morning"\)/);
  });
}

test("what Codex always sends is not refused in strict mode", async () => {
  await harness.push(script(text("Hello.")));
  const strict = 'http_headers = { "x-outcrop-strict" = "true" }';
  // With full access to the machine Codex asks for a live web search, which is refused.
  const { messages, errors } = await open("claude", "", strict).run("Hello", { sandbox: "read-only" });

  assert.deepEqual(messages, ["Hello."], errors.join());
});

test("a model with a name that Codex knows patches with its custom tool", async () => {
  await harness.push(
    script(calling([["call_1", "apply_patch", { input: PATCH }]])),
    script(text("Done.")),
  );
  const { code, messages, diagnostics } = await open("gpt-5.5").run("Make it polite");

  assert.equal(code, 0, diagnostics);
  assert.deepEqual(messages, ["Done."]);
  assert.equal(greeting(), POLITE);
  assert.match(results(await harness.last())[0], /M greet\.py/);
});

test("a throttled start is tried again", async () => {
  await harness.push(script(error(429, "ThrottlingException")), script(text("Here I am.")));
  const { code, messages, diagnostics } = await open("claude").run("Hello");

  assert.equal(code, 0, diagnostics);
  assert.deepEqual(messages, ["Here I am."]);
  assert.equal((await harness.received()).length, 2);
});

test("a cut stream is tried again, and its text is shown once", async () => {
  const cut = { kind: "cut", after_events: 3 };
  await harness.push(script(text("Half ", "of ", "it"), [cut]), script(text("All of it.")));
  const { code, messages, diagnostics } = await open("claude").run("Hello");

  assert.equal(code, 0, diagnostics);
  assert.equal(messages.at(-1), "All of it.");
  assert.equal((await harness.received()).length, 2);
});

test("a context that is full is compacted, and the session goes on", async () => {
  const full = { inputTokens: 9000, outputTokens: 50, totalTokens: 9050 };
  const call = { toolUse: { toolUseId: "call_1", name: "exec_command", input: { cmd: "cat greet.py" } } };
  await harness.push(
    script(converse([call], "tool_use", full)),
    script(text("The file prints Hello.")),
    script(text("Done.")),
  );
  const { code, messages, diagnostics } = await open("claude", "model_auto_compact_token_limit = 8000").run("Read it");

  assert.equal(code, 0, diagnostics);
  assert.equal(messages.at(-1), "Done.");
  const [, compaction, next] = (await harness.received()).map((request) => request.body_json);
  // Codex declares no tools here, and Converse refuses calls of tools that are not declared.
  assert.equal(compaction.toolConfig, undefined);
  assert.match(JSON.stringify(compaction.messages), /Tool call: exec_command.*CONTEXT CHECKPOINT COMPACTION/);
  assert.doesNotMatch(JSON.stringify(next.messages), /exec_command/);
  assert.match(JSON.stringify(next.messages), /The file prints Hello\./);
});

test("with OpenAI's name for the gateway, Codex leaves the compaction to it", async () => {
  const full = { inputTokens: 9000, outputTokens: 50, totalTokens: 9050 };
  const call = { toolUse: { toolUseId: "call_1", name: "exec_command", input: { cmd: "cat greet.py" } } };
  await harness.push(
    script(converse([call], "tool_use", full)),
    script(text("The file prints Hello.")),
    script(text("Done.")),
  );
  const settings = settingsFor(harness.baseURL, "claude", "model_auto_compact_token_limit = 8000");
  workspace = new Workspace(settings.replace('name = "Outcrop"', 'name = "OpenAI"'), { "greet.py": GREETING });
  const { code, messages, diagnostics } = await workspace.run("Read it");

  assert.equal(code, 0, diagnostics);
  assert.equal(messages.at(-1), "Done.");
  const [first, compaction, next] = (await harness.received()).map((request) => request.body_json);
  // The same prompt as before, so that it is read from the cache.
  assert.deepEqual(compaction.toolConfig.tools, first.toolConfig.tools);
  assert.match(JSON.stringify(next.messages), /The file prints Hello\./);
  assert.doesNotMatch(JSON.stringify(next.messages), /exec_command/);
});

test("an input that is too long ends the turn with the reason, without further calls", async () => {
  const message = "Input is too long for requested model.";
  await harness.push(script(error(400, "ValidationException", message)));
  const { code, errors } = await open("claude").run("Hello");

  assert.notEqual(code, 0);
  assert.match(errors.join(), /context_length_exceeded|context window/);
  assert.equal((await harness.received()).length, 1);
});
