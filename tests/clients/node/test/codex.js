// Runs Codex CLI in its non-interactive mode, in a folder and with settings of its own.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

import { API_KEY } from "./harness.js";

const CODEX = resolve(import.meta.dirname, "../node_modules/.bin/codex");

// The settings that a user writes for a gateway. `more` are further lines of the provider's table.
export function settingsFor(baseURL, model, general = "", more = "") {
  return `model = "${model}"
model_provider = "outcrop"
${general}
[model_providers.outcrop]
name = "Outcrop"
base_url = "${baseURL}"
env_key = "OUTCROP_API_KEY"
wire_api = "responses"
${more}`;
}

// A folder with these files in which Codex works until `close`.
export class Workspace {
  constructor(settings, files = {}) {
    this.root = mkdtempSync(join(tmpdir(), "outcrop-codex-"));
    this.home = join(this.root, "home");
    this.folder = join(this.root, "work");
    mkdirSync(this.home);
    mkdirSync(this.folder);
    const quiet = "check_for_update_on_startup = false\n";
    writeFileSync(join(this.home, "config.toml"), `${quiet}${settings}\n[analytics]\nenabled = false\n`);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.folder, name), content);
  }

  // Runs Codex with this prompt. Returns its exit code and events; `messages` and `errors` are texts.
  // By default commands run without a sandbox, which not every machine allows to set up.
  async run(prompt, { sandbox = "danger-full-access" } = {}) {
    const flags = ["exec", "--json", "--skip-git-repo-check", "--sandbox", sandbox, "-C", this.folder];
    const child = spawn(CODEX, [...flags, prompt], {
      env: { PATH: process.env.PATH, HOME: this.home, CODEX_HOME: this.home, OUTCROP_API_KEY: API_KEY },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exit = new Promise((done, failed) => {
      child.on("error", failed);
      child.on("exit", done);
    });
    const [output, diagnostics, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    const events = output.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    const items = events.filter(({ type }) => type === "item.completed").map(({ item }) => item);
    return {
      code,
      diagnostics,
      events,
      items,
      messages: items.filter(({ type }) => type === "agent_message").map((item) => item.text),
      errors: events.filter(({ type }) => type === "error").map(({ message }) => message),
    };
  }

  close() {
    rmSync(this.root, { recursive: true, force: true });
  }
}
