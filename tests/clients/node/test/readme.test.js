// The examples in README.md work as they are printed.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { Workspace } from "./codex.js";
import { REPOSITORY, startDemo } from "./harness.js";

const PRINTED = "http://127.0.0.1:8080/v1";

let demo;
before(async () => (demo = await startDemo()));
after(() => demo.stop());

for (const client of ["openai-node", "Vercel AI SDK"]) {
  test(`the example for ${client} runs`, async () => {
    const code = example(client).replaceAll(PRINTED, demo.baseURL);
    // The working directory from which packages are resolved.
    const cwd = import.meta.dirname;
    const env = { HOME: demo.folder, PATH: process.env.PATH };
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], { cwd, env });
    assert.match((await run).stdout, /You said: “Hello!”/);
  });
}

test("the settings for Codex are valid", async () => {
  const workspace = new Workspace(example("Codex", "toml").replaceAll(PRINTED, demo.baseURL));
  const { messages, errors } = await workspace.run("Hello!");
  workspace.close();
  assert.deepEqual(errors, []);
  assert.match(messages[0], /You said: “Hello!”/);
});

// The code for a client under "Use it with".
function example(client, language = "js") {
  const section = readFileSync(join(REPOSITORY, "README.md"), "utf8").split("\n## Use it with\n")[1];
  const block = new RegExp("^```" + language + "\\n(.*?)^```$", "ms");
  const [, code] = section.split(`\n**${client}**`)[1].match(block);
  return code;
}
