// Runs the programs under test as processes on free ports: a simulated Bedrock and the gateway.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import OpenAI from "openai";

export const NOVA = "amazon.nova-lite-v1:0";
export const CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
// No native structured output, but prompt caching: the schema becomes part of the prompt.
export const OPUS = "us.anthropic.claude-opus-4-7";
// Neither native structured output nor prompt caching: the gateway uses a tool for the schema.
export const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";
// Accepts images, documents, videos and audio.
export const NOVA_OMNI = "amazon.nova-2-omni-v1:0";
export const HELLO = [{ role: "user", content: "Good morning, mountain" }];

export const API_KEY = "sk-test-key-1";
export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");
const BINARIES = resolve(REPOSITORY, process.env.CARGO_TARGET_DIR ?? "target", "debug");

// Timeout of starts, stops and conditions.
const PATIENCE_MS = 30_000;

// Starts a simulator and a gateway with this configuration. `stop` ends both and checks their status.
export async function startHarness(configuration = '[retry]\nbase_delay = "10ms"\nbudget_percent = 1000\n') {
  const folder = mkdtempSync(join(tmpdir(), "outcrop-node-"));
  const simulator = await start(folder, "bedrock-simulator", ["--listen", "127.0.0.1:0"], {}, (line) =>
    line.match(/^listening on (http:\/\/\S+)$/)?.[1],
  );
  const file = join(folder, "outcrop.toml");
  writeFileSync(file, configuration);
  const settings = {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    AWS_ENDPOINT_URL: simulator.address,
    OUTCROP_API_KEYS: API_KEY,
  };
  const serve = ["serve", "--config", file, "--listen", "127.0.0.1:0"];
  const gateway = await start(folder, "outcrop", serve, settings, listeningAddress);
  const harness = new Harness(simulator, gateway, folder);
  // Listing models completes the gateway's own calls to Bedrock.
  await harness.client().models.list();
  return harness;
}

// `outcrop demo`. `stop` ends it and checks its status.
export async function startDemo() {
  const folder = mkdtempSync(join(tmpdir(), "outcrop-node-"));
  const demo = await start(folder, "outcrop", ["demo", "--listen", "127.0.0.1:0"], {}, demoBaseURL);
  const stop = async () => {
    const code = await end(demo);
    rmSync(folder, { recursive: true });
    assert.equal(code, 0);
  };
  return { baseURL: demo.address, folder, stop };
}

class Harness {
  constructor(simulator, gateway, folder) {
    this.simulator = simulator;
    this.gateway = gateway;
    this.folder = folder;
    this.url = `http://${gateway.address}`;
    this.baseURL = `${this.url}/v1`;
  }

  // OpenAI's client without retries, so that a test observes a single request.
  client(options = {}) {
    return new OpenAI({ baseURL: this.baseURL, apiKey: API_KEY, maxRetries: 0, timeout: PATIENCE_MS, ...options });
  }

  // Queues scripts for the next calls.
  async push(...scripts) {
    await this.send("POST", "/_simulator/scripts", scripts);
  }

  // Resets the state for a test. The successful call adds ten retries to the retry budget, so that
  // tests do not depend on earlier failures.
  async reset() {
    await this.client().chat.completions.create({ model: NOVA, messages: HELLO });
    await this.clear();
  }

  // Resets scripts, requests and counts.
  async clear() {
    await this.send("DELETE", "/_simulator");
  }

  // The model requests, oldest first.
  async received() {
    const requests = await this.send("GET", "/_simulator/requests");
    return requests.filter((request) => request.model);
  }

  // The body of the last model request.
  async last() {
    return (await this.received()).at(-1).body_json;
  }

  async status() {
    return this.send("GET", "/_simulator/status");
  }

  async untilCallIsOpen() {
    await eventually(async () => (await this.status()).open_calls > 0);
  }

  async untilAbandoned(count = 1) {
    await eventually(async () => {
      const status = await this.status();
      return status.abandoned >= count && status.open_calls === 0;
    });
  }

  async send(method, path, body) {
    const response = await fetch(this.simulator.address + path, {
      method,
      body: body && JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return method === "GET" ? response.json() : undefined;
  }

  async stop() {
    const codes = [await end(this.gateway), await end(this.simulator)];
    rmSync(this.folder, { recursive: true });
    assert.deepEqual(codes, [0, 0]);
  }
}

export function script(response, faults = [], more = {}) {
  return { response: response ?? { kind: "echo" }, faults, ...more };
}

// A response whose stream has these deltas.
export function text(...deltas) {
  return { kind: "text", text: deltas.join(""), deltas };
}

// A Converse response; streams get it as events.
export function converse(content, stopReason = "end_turn", usage = {}) {
  const body = {
    output: { message: { role: "assistant", content } },
    stopReason,
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, ...usage },
    metrics: { latencyMs: 1 },
  };
  return { kind: "converse", body };
}

// A model's structured output: as a tool call, within prose, or as plain text.
export function valued(model, value) {
  if (model === HAIKU) return calling([["call_json", "json_response", value]]);
  const text = JSON.stringify(value, null, 1);
  return converse([{ text: model === NOVA ? `Here it is:\n\`\`\`json\n${text}\n\`\`\`` : text }]);
}

// A response that calls tools, given as id, name and input, after the blocks in `before`.
export function calling(calls, before = []) {
  const blocks = calls.map(([toolUseId, name, input]) => ({ toolUse: { toolUseId, name, input } }));
  return converse([...before, ...blocks], "tool_use");
}

// An error in AWS's format.
export function error(status, code, message = "ordered") {
  return { kind: "error", status, code, message };
}

// A stream with these events.
export function events(...pairs) {
  return { kind: "events", events: pairs.map(([type, payload]) => ({ type, payload })) };
}

// Calls `check` until it returns a true value, and returns that value.
export async function eventually(check) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await check();
    if (value) return value;
    assert.ok(Date.now() < deadline, "what was waited for did not become true");
    await pause(10);
  }
}

async function start(folder, program, flags, settings, addressOf) {
  const child = spawn(join(BINARIES, program), flags, {
    // An empty home: no AWS profile, outcrop.toml or proxy of this machine.
    cwd: folder,
    env: { HOME: folder, PATH: process.env.PATH, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise((done, failed) => {
    child.once("error", failed);
    child.once("exit", done);
  });
  const lines = [];
  const address = new Promise((found, failed) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const address = addressOf(line);
      if (address) found(address);
    });
    exit.then((code) => failed(new Error(`${program} ended with ${code}:\n${lines.join("\n")}`)), failed);
  });
  return { child, exit, address: await address };
}

// Sends SIGINT, like ctrl-C, and returns the exit code.
async function end({ child, exit }) {
  child.kill("SIGINT");
  return exit;
}

function listeningAddress(line) {
  if (!line.startsWith("{")) return undefined;
  const entry = JSON.parse(line);
  const fields = { ...entry, ...entry.fields };
  return fields.message === "listening" ? fields.address : undefined;
}

function demoBaseURL(line) {
  return line.match(/^Outcrop is listening on (http:\/\/[^\s,]+)/)?.[1];
}
