//! `GET /` and `GET /v1`: a short description of the gateway, as HTML or JSON.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::hints::base_url;

/// The endpoints: method, path, purpose.
pub const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("POST", "/v1/chat/completions", "chat completions"),
    ("POST", "/v1/responses", "responses"),
    ("POST", "/v1/completions", "text completions"),
    ("POST", "/v1/embeddings", "embeddings"),
    ("POST", "/v1/images/generations", "images"),
    ("POST", "/v1/images/edits", "image edits"),
    ("POST", "/v1/images/variations", "image variations"),
    ("POST", "/v1/videos", "videos"),
    ("POST", "/v1/moderations", "moderations"),
    ("POST", "/v1/rerank", "reranking"),
    ("POST", "/v1/files", "files"),
    ("POST", "/v1/batches", "batches"),
    (
        "POST",
        "/v1/responses/compact",
        "a conversation as its summary",
    ),
    ("POST", "/v1/responses/input_tokens", "token counts"),
    (
        "POST",
        "/v1/explain",
        "the Bedrock request of a chat request",
    ),
    ("GET", "/v1/models", "list of models"),
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;\
padding:0 1rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{padding:1rem;\
overflow:auto;border:1px solid;border-radius:.4rem}td{padding:.1rem 1.5rem .1rem 0}";

/// Allows only the style of the page: no scripts, no frames, no other resources.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).ok()
});

#[derive(Serialize)]
struct Home<'a> {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    /// The base URL for OpenAI clients.
    base_url: &'a str,
    endpoints: Vec<EndpointObject>,
    health: [&'static str; 2],
    /// Documentation in the repository.
    docs: [&'static str; 4],
}

#[derive(Serialize)]
struct EndpointObject {
    method: &'static str,
    path: &'static str,
    purpose: &'static str,
}

/// HTML for browsers, JSON for other clients.
pub async fn home(headers: HeaderMap) -> Response {
    let base_url = base_url(&headers);
    let (content_type, body) = match wants_html(&headers) {
        true => ("text/html; charset=utf-8", page(&base_url)),
        false => ("application/json", json(&base_url)),
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(policy) = &*POLICY {
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// Browsers accept `text/html` explicitly; other clients accept anything, or JSON.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    let mut ranges = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    ranges.any(|range| range.eq_ignore_ascii_case("text/html"))
}

fn json(base_url: &str) -> String {
    let endpoints = ENDPOINTS
        .iter()
        .map(|(method, path, purpose)| EndpointObject {
            method,
            path,
            purpose,
        });
    let home = Home {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        description: env!("CARGO_PKG_DESCRIPTION"),
        base_url,
        endpoints: endpoints.collect(),
        health: ["/healthz", "/readyz"],
        docs: [
            "README.md",
            "docs/configuration.md",
            "docs/compatibility/README.md",
            "docs/errors.md",
        ],
    };
    serde_json::to_string(&home).unwrap_or_default()
}

fn page(base_url: &str) -> String {
    let rows = ENDPOINTS.iter().map(|(method, path, purpose)| {
        format!("<tr><td><code>{method} {path}</code></td><td>{purpose}</td></tr>\n")
    });
    let rows: String = rows.collect();
    let version = env!("CARGO_PKG_VERSION");
    let description = env!("CARGO_PKG_DESCRIPTION");
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Outcrop</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Outcrop {version}</h1>
<p>{description}. It is running: set the base URL of your OpenAI client to</p>
<pre>{base_url}</pre>
<p><a href="/v1/models">/v1/models</a> lists the models. If this gateway has API keys, send one in the header
<code>Authorization: Bearer</code>.</p>
<table>
{rows}</table>
</body>
</html>
"#
    )
}
