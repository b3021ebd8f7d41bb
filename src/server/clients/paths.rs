//! Normalizes paths of other clients to those of the routes: Azure's paths, and trailing slashes.
//! Redirects are not used, since many clients drop the body of a redirected POST.

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri};
use percent_encoding::percent_decode_str;

use crate::http::deployment::DEPLOYMENT;

/// The original path, in the extensions of a request with a rewritten path.
#[derive(Debug, Clone)]
pub struct ClientPath(pub String);

/// Prefixes of Bedrock's own paths, which clients sign and which must not change.
const SIGNED: [&str; 3] = ["/model/", "/guardrail", "/async-invoke"];

/// The prefix of the paths of Azure's clients, which have `api-version` in the query.
const AZURE: &str = "/openai/";

/// The endpoints after the deployment in Azure's paths. Deployments are model ids or ARNs here, and
/// can contain slashes.
const OF_DEPLOYMENTS: [&str; 6] = [
    "/chat/completions",
    "/completions",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/images/variations",
];

/// A normalized path.
#[derive(Debug, PartialEq, Eq)]
struct ServedPath {
    path: String,
    /// The deployment in the path.
    deployment: Option<String>,
}

/// Rewrites the path of a request to that of its route.
pub(crate) fn as_served(mut request: Request<Body>) -> Request<Body> {
    // Only this function may set the header.
    request.headers_mut().remove(DEPLOYMENT);
    let Some(ServedPath { path, deployment }) = served(request.uri().path()) else {
        return request;
    };
    let Some(uri) = with_path(request.uri(), &path) else {
        return request;
    };
    let client_path = ClientPath(request.uri().path().to_owned());
    request.extensions_mut().insert(client_path);
    *request.uri_mut() = uri;
    if let Some(Ok(deployment)) = deployment.map(HeaderValue::try_from) {
        request.headers_mut().insert(DEPLOYMENT, deployment);
    }
    request
}

/// The normalized path, if it differs from `path`.
fn served(path: &str) -> Option<ServedPath> {
    if SIGNED.iter().any(|front| path.starts_with(front)) {
        return None;
    }
    let trimmed = path.trim_end_matches('/');
    if let Some(rest) = trimmed.strip_prefix(AZURE) {
        return Some(served_of_azure(rest));
    }
    (trimmed != path && !trimmed.is_empty()).then(|| ServedPath {
        path: trimmed.to_owned(),
        deployment: None,
    })
}

/// Azure's newer API is OpenAI's API under `/openai/v1`; the older one has a deployment in the
/// path.
fn served_of_azure(rest: &str) -> ServedPath {
    let Some(of_deployment) = rest.strip_prefix("deployments/") else {
        let rest = rest.strip_prefix("v1/").unwrap_or(rest);
        return ServedPath {
            path: format!("/v1/{rest}"),
            deployment: None,
        };
    };
    let matched = OF_DEPLOYMENTS.iter().find_map(|endpoint| {
        let deployment = of_deployment.strip_suffix(endpoint)?;
        Some((deployment, *endpoint))
    });
    let parts = matched.or_else(|| {
        let slash = of_deployment.find('/')?;
        of_deployment.split_at_checked(slash)
    });
    let (deployment, endpoint) = parts.unwrap_or((of_deployment, ""));
    let deployment = percent_decode_str(deployment).decode_utf8_lossy();
    ServedPath {
        path: format!("/v1{endpoint}"),
        deployment: (!deployment.is_empty()).then(|| deployment.into_owned()),
    }
}

/// `uri` with another path, and without Azure's `api-version`.
fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let pairs: Vec<&str> = pairs
        .filter(|pair| !pair.is_empty() && !pair.starts_with("api-version="))
        .collect();
    let path_and_query = match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path_and_query).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(uri: &str) -> (String, Option<String>) {
        let request = Request::builder().uri(uri).header(DEPLOYMENT, "forged");
        let request = as_served(request.body(Body::empty()).expect("a request"));
        let deployment = request.headers().get(DEPLOYMENT);
        let deployment = deployment.and_then(|value| value.to_str().ok());
        (request.uri().to_string(), deployment.map(str::to_owned))
    }

    #[test]
    fn paths_are_normalized_to_the_routes() {
        for (given, path, deployment) in [
            ("/v1/models", "/v1/models", None),
            ("/", "/", None),
            ("/v1/models/", "/v1/models", None),
            ("/v1/", "/v1", None),
            ("/v1/chat/completions//", "/v1/chat/completions", None),
            ("/v1/files/?limit=2", "/v1/files?limit=2", None),
            ("/openai/v1/chat/completions", "/v1/chat/completions", None),
            (
                "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
                "/v1/chat/completions",
                Some("gpt-4o"),
            ),
            (
                "/openai/deployments/a%3A0/embeddings/?api-version=1&b=2",
                "/v1/embeddings?b=2",
                Some("a:0"),
            ),
            (
                "/openai/deployments/arn:aws:bedrock:r:1:inference-profile/us.x/completions",
                "/v1/completions",
                Some("arn:aws:bedrock:r:1:inference-profile/us.x"),
            ),
            (
                "/openai/deployments/tts/audio/speech",
                "/v1/audio/speech",
                Some("tts"),
            ),
            ("/openai/models?api-version=1", "/v1/models", None),
            ("/model/a/converse/", "/model/a/converse/", None),
        ] {
            let expected = (path.to_owned(), deployment.map(str::to_owned));
            assert_eq!(rewritten(given), expected, "{given}");
        }
    }
}
