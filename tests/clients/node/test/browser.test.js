// OpenAI's client in a web page: its requests, under a browser's CORS rules.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import OpenAI from "openai";

import { HELLO, NOVA, startHarness } from "./harness.js";

const SITE = "https://chat.example.com";
const CONFIGURATION = `
[server]
cors_origins = ["loopback", "${SITE}"]
[retry]
base_delay = "10ms"
budget_percent = 1000
`;

// Headers that need no CORS permission: safelisted request and response headers (the Fetch
// standard, "CORS protocol").
const SAFELISTED_REQUEST_HEADERS = new Set(["accept", "accept-language", "content-language"]);
const SAFELISTED_RESPONSE_HEADERS = ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];

let harness;
before(async () => (harness = await startHarness(CONFIGURATION)));
beforeEach(() => harness.reset());
after(() => harness.stop());

const list = (headers, name) => (headers.get(name) ?? "").split(",").map((entry) => entry.trim().toLowerCase());

// `fetch` in a page of `origin`.
function fetchOfPage(origin) {
  return async (url, init) => {
    const request = new Request(url, init);
    const requestedHeaders = [...request.headers.keys()].filter((name) => !SAFELISTED_REQUEST_HEADERS.has(name));
    const preflight = await fetch(url, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": request.method,
        "access-control-request-headers": requestedHeaders.toSorted().join(","),
      },
    });
    const methods = list(preflight.headers, "access-control-allow-methods");
    const headers = list(preflight.headers, "access-control-allow-headers");
    const isAllowed =
      preflight.ok &&
      preflight.headers.get("access-control-allow-origin") === origin &&
      methods.includes(request.method.toLowerCase()) &&
      requestedHeaders.every((name) => headers.includes(name));
    if (!isAllowed) throw new TypeError(`blocked: ${request.method} with ${requestedHeaders}`);
    request.headers.set("origin", origin);
    const response = await fetch(request);
    if (response.headers.get("access-control-allow-origin") !== origin) throw new TypeError("blocked: the response");
    const readable = [...SAFELISTED_RESPONSE_HEADERS, ...list(response.headers, "access-control-expose-headers")];
    const seen = [...response.headers].filter(([name]) => readable.includes(name));
    return new Response(response.body, { status: response.status, headers: seen });
  };
}

const page = (origin) => harness.client({ fetch: fetchOfPage(origin), dangerouslyAllowBrowser: true });

for (const origin of ["http://localhost:3000", SITE]) {
  test(`a page of ${origin} can read responses, streams and headers`, async () => {
    const client = page(origin);
    const { data, response, request_id } = await client.chat.completions
      .create({ model: NOVA, messages: HELLO, seed: 1 })
      .withResponse();
    assert.match(data.choices[0].message.content, /mountain/);
    assert.match(request_id, /^req_/);
    assert.match(response.headers.get("x-outcrop-adjustments"), /seed/);

    const stream = await client.chat.completions.create({ model: NOVA, messages: HELLO, stream: true });
    let words = "";
    for await (const chunk of stream) words += chunk.choices[0]?.delta.content ?? "";
    assert.match(words, /mountain/);

    assert.ok((await client.models.list()).data.length > 0);
  });

  test(`a page of ${origin} can read error responses`, async () => {
    const client = page(origin).withOptions({ apiKey: "sk-wrong" });
    const refusal = await client.models.list().then(assert.fail, (error) => error);
    assert.ok(refusal instanceof OpenAI.AuthenticationError, refusal);
    assert.match(refusal.requestID, /^req_/);
  });
}

test("a page of another site is rejected", async () => {
  const refusal = await page("https://evil.example").models.list().then(assert.fail, (error) => error);
  assert.ok(refusal instanceof OpenAI.APIConnectionError, refusal);
});
