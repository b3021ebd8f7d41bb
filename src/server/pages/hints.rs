//! Corrections of a client's base URL, derived from a path that is not served.

use http::HeaderMap;
use http::header::HOST;

use super::home::ENDPOINTS;

/// The ends of Ollama's own paths.
const OLLAMA: [&str; 9] = [
    "/api/chat",
    "/api/generate",
    "/api/tags",
    "/api/embed",
    "/api/embeddings",
    "/api/show",
    "/api/ps",
    "/api/pull",
    "/api/version",
];

/// The correction of the client's settings, if the path reveals the mistake.
pub(super) fn hint(path: &str, headers: &HeaderMap) -> Option<String> {
    let origin = origin(headers);
    let path = path.trim_end_matches('/');
    if path.starts_with("/v1/v1") || path.starts_with("/api/v1/v1") {
        return Some(format!(
            "the path has `/v1` twice: this client adds it, so set its base URL to `{origin}`"
        ));
    }
    if path.contains("/openai/deployments") {
        return Some(format!(
            "Azure's clients add `/openai/deployments/...`: set the endpoint \
            (`azure_endpoint`, `AZURE_OPENAI_ENDPOINT`) to `{origin}`"
        ));
    }
    if matches!(path, "/models/chat/completions" | "/models/embeddings") {
        return Some(format!(
            "this is a path of Azure AI Inference: use an OpenAI client with the base URL \
             `{origin}/v1`"
        ));
    }
    if OLLAMA.iter().any(|end| path.ends_with(end)) {
        return Some(format!(
            "this is a path of Ollama's API: choose the OpenAI-compatible provider in the client \
             and set its base URL to `{origin}/v1`"
        ));
    }
    if is_served_under_v1(path) {
        return Some(format!(
            "did you mean `/v1{path}`? Set the client's base URL to `{origin}/v1`"
        ));
    }
    None
}

/// Whether `path` is an endpoint without its `/v1`.
fn is_served_under_v1(path: &str) -> bool {
    ENDPOINTS.iter().any(|(_, endpoint, _)| {
        let rest = endpoint
            .strip_prefix("/v1")
            .and_then(|endpoint| path.strip_prefix(endpoint));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The base URL for OpenAI clients, as seen by this client.
pub(super) fn base_url(headers: &HeaderMap) -> String {
    format!("{}/v1", origin(headers))
}

/// The gateway's origin as seen by the client. It is used in pages and messages, so only a host
/// with a port is accepted.
fn origin(headers: &HeaderMap) -> String {
    const MAX_HOST: usize = 255;
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let host = headers.get(HOST).and_then(text).filter(|host| {
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        !host.is_empty() && host.len() <= MAX_HOST && host.chars().all(is_host)
    });
    let is_https = headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"));
    let scheme = if is_https { "https" } else { "http" };
    format!("{scheme}://{}", host.as_deref().unwrap_or("localhost:8080"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_path_is_answered_with_the_correct_base_url() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "gateway:8080".parse().expect("a host"));
        for (path, expected) in [
            (
                "/v1/v1/chat/completions",
                "base URL to `http://gateway:8080`",
            ),
            ("/api/v1/v1/models/", "base URL to `http://gateway:8080`"),
            (
                "/v1/openai/deployments/a/chat/completions",
                "(`azure_endpoint`, `AZURE_OPENAI_ENDPOINT`) to `http://gateway:8080`",
            ),
            ("/models/chat/completions", "`http://gateway:8080/v1`"),
            ("/chat/completions", "base URL to `http://gateway:8080/v1`"),
            ("/models/a", "base URL to `http://gateway:8080/v1`"),
            ("/api/chat", "base URL to `http://gateway:8080/v1`"),
            ("/v1/api/tags", "base URL to `http://gateway:8080/v1`"),
        ] {
            let hint = hint(path, &headers).unwrap_or_default();
            assert!(hint.ends_with(expected), "{path}: {hint}");
        }
        for path in ["/v1/unknown", "/modelsaurus", "/"] {
            assert_eq!(hint(path, &headers), None, "{path}");
        }
    }

    #[test]
    fn an_origin_has_only_a_scheme_and_a_host() {
        let mut headers = HeaderMap::new();
        assert_eq!(origin(&headers), "http://localhost:8080");
        headers.insert("x-forwarded-proto", "HTTPS".parse().expect("a scheme"));
        headers.insert(HOST, "[::1]:9".parse().expect("a host"));
        assert_eq!(origin(&headers), "https://[::1]:9");
        for host in ["a<b>", "a/b", "a\"b", "a b"] {
            headers.insert(HOST, host.parse().expect("a value"));
            assert_eq!(origin(&headers), "https://localhost:8080");
        }
    }
}
