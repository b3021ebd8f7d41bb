//! A client of the admin API, for commands with `--url`.

mod callers;
mod error;
mod usage;

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::config::is_loopback_host;
use crate::resources::https::{HttpsClient, https_client};

pub use error::ClientError;
pub use usage::UsageDownload;

/// How long the gateway may take to respond.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The maximum size of a response that is read as a whole.
const MAX_RESPONSE: usize = 64 << 20;

/// A gateway's admin API.
#[derive(Debug)]
pub struct AdminClient {
    url: Url,
    authorization: HeaderValue,
    client: HttpsClient,
}

/// A request.
#[derive(Debug, Default)]
struct Call<'a> {
    method: Method,
    /// The parts of the path after `/admin/v1`.
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    body: Option<Vec<u8>>,
    if_match: Option<HeaderValue>,
}

impl AdminClient {
    /// The API of the listener at `url`, such as `http://127.0.0.1:8081`.
    pub fn new(url: &str, token: &str) -> Result<Self, ClientError> {
        let invalid = |problem: &str| ClientError::Arguments(format!("--url `{url}`: {problem}"));
        let parsed =
            Url::parse(url).map_err(|_| invalid("write a URL such as http://127.0.0.1:8081"))?;
        let host = parsed.host_str().unwrap_or_default();
        match parsed.scheme() {
            "https" => {}
            "http" if is_loopback_host(host) => {}
            "http" => {
                return Err(invalid(
                    "the token would not be encrypted; write https:, or use a tunnel to a loopback \
                     address",
                ));
            }
            _ => return Err(invalid("write http: or https:")),
        }
        let token = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut authorization = token.map_err(|_| {
            ClientError::Arguments("the admin token has characters that are not ASCII".to_owned())
        })?;
        authorization.set_sensitive(true);
        let client = https_client().map_err(|error| {
            ClientError::Unreachable(format!("the system's certificates: {error}"))
        })?;
        Ok(Self {
            url: parsed,
            authorization,
            client,
        })
    }

    /// The JSON of a response.
    async fn json<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ClientError> {
        self.tagged(call).await.map(|(value, _)| value)
    }

    /// The JSON of a response, and its entity tag.
    async fn tagged<T: DeserializeOwned>(
        &self,
        call: Call<'_>,
    ) -> Result<(T, Option<HeaderValue>), ClientError> {
        let response = self.send(call).await?;
        let tag = response.headers().get(ETAG).cloned();
        let body = self.body(response).await?;
        let value = serde_json::from_slice(&body).map_err(|error| self.strange(&error))?;
        Ok((value, tag))
    }

    /// The response to a request that is not refused.
    async fn send(&self, call: Call<'_>) -> Result<Response<Incoming>, ClientError> {
        let request = self.request(call)?;
        let response = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        let response = match response {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => {
                let error = format!("{}: no response in time", self.url);
                return Err(ClientError::Unreachable(error));
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.body(response).await?;
        Err(ClientError::refused(status, &body, &self.url))
    }

    fn request(&self, call: Call<'_>) -> Result<Request<Full<Bytes>>, ClientError> {
        let Call {
            method,
            path,
            query,
            body,
            if_match,
        } = call;
        let invalid = || ClientError::Arguments(format!("`{}` cannot be in a URL", path.join("/")));
        if path.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(invalid());
        }
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| invalid())?
            .pop_if_empty()
            .extend(["admin", "v1"])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, concat!("outcrop/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(tag) = if_match {
            request = request.header(IF_MATCH, tag);
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        request.body(body).map_err(|_| invalid())
    }

    async fn body(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let body = Limited::new(response.into_body(), MAX_RESPONSE).collect();
        let body = tokio::time::timeout(TIMEOUT, body).await;
        match body {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => Err(ClientError::Unreachable(format!("{}: {error}", self.url))),
            Err(_) => {
                let error = format!("{}: the response is incomplete", self.url);
                Err(ClientError::Unreachable(error))
            }
        }
    }

    fn unreachable(&self, error: &hyper_util::client::legacy::Error) -> ClientError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(error) = source {
            reason = error.to_string();
            source = error.source();
        }
        ClientError::Unreachable(format!("{}: {reason}", self.url))
    }

    fn strange(&self, error: &serde_json::Error) -> ClientError {
        ClientError::Unreachable(format!(
            "{}: not a response of the admin API of this version: {error}",
            self.url
        ))
    }
}

impl Call<'_> {
    /// The JSON of a body.
    fn body(value: &impl Serialize) -> Result<Option<Vec<u8>>, ClientError> {
        let json = serde_json::to_vec(value);
        json.map(Some)
            .map_err(|error| ClientError::Arguments(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Result<AdminClient, ClientError> {
        AdminClient::new(url, "oc-admin-a-token")
    }

    #[test]
    fn a_token_is_sent_over_tls_or_to_this_machine_only() {
        for url in [
            "http://127.0.0.1:8081",
            "http://localhost:8081/",
            "http://[::1]:8081",
            "https://outcrop.example.com/gateway/",
        ] {
            let client = client(url).expect(url);
            assert!(!format!("{client:?}").contains("a-token"));
        }
        for (url, remedy) in [
            ("http://10.0.0.1:8081", "would not be encrypted"),
            ("http://localhost.example.com", "would not be encrypted"),
            ("127.0.0.1:8081", "write a URL"),
            ("ftp://127.0.0.1", "write http: or https:"),
        ] {
            let error = client(url).expect_err(url).to_string();
            assert!(error.contains(remedy), "{url}: {error}");
        }
    }

    #[test]
    fn names_are_one_part_of_the_path() {
        let client = client("https://outcrop.example.com/gateway/").expect("a client");
        let uri = |name: &str| {
            let call = Call {
                path: &["keys", name],
                query: &[("by", "team,model")],
                ..Call::default()
            };
            client
                .request(call)
                .map(|request| request.uri().to_string())
        };
        assert_eq!(
            uri("a/b c?").ok().as_deref(),
            Some("https://outcrop.example.com/gateway/admin/v1/keys/a%2Fb%20c%3F?by=team%2Cmodel")
        );
        for name in ["", ".", ".."] {
            assert!(uri(name).is_err(), "{name}");
        }
    }
}
