//! Bedrock's own API: forwards requests and responses unchanged.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use crate::bedrock::client::{Bedrock, SERVICE_TIMEOUT};
use crate::bedrock::destination::{Destination, SIGNING_NAME};
use crate::bedrock::errors::scrub::scrub;
use crate::bedrock::errors::{RetryAdvice, UpstreamError};
use crate::bedrock::transport::Outgoing;
use crate::bedrock::transport::frames::FrameCutter;
use crate::bedrock::transport::stream::FrameStream;
use crate::models::ModelId;

/// The prefix of Bedrock's own headers.
const OWN_HEADERS: &str = "x-amzn-bedrock-";

/// A request that is forwarded unchanged except for its authorization.
#[derive(Debug, Clone)]
pub struct PassthroughCall {
    /// The HTTP method.
    pub method: Method,
    /// Still encoded.
    pub path_and_query: String,
    /// The headers that Bedrock reads.
    pub headers: HeaderMap,
    /// The unchanged body.
    pub body: Bytes,
    /// The model; `None` if the operation has none.
    pub model: Option<ModelId>,
    /// The kind of the response.
    pub pace: Pace,
}

/// The kind of a response, which determines its timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// An event stream.
    Stream,
    /// A complete response that a model has to generate.
    Model,
    /// A complete response without a model.
    Immediate,
}

/// An unchanged response.
#[derive(Debug)]
pub enum PassthroughResponse {
    /// A complete response.
    Complete(Response<Bytes>),
    /// A stream whose first frame has arrived.
    Stream(Response<Box<FrameStream>>),
}

impl PassthroughCall {
    /// The client's headers that Bedrock reads: `accept`, `content-type` and `X-Amzn-Bedrock-*`.
    /// Headers that identify the client are not forwarded.
    pub fn headers(of_client: &HeaderMap) -> HeaderMap {
        filtered(of_client, |name| {
            matches!(name.as_str(), "accept" | "content-type")
        })
    }
}

impl Bedrock {
    /// Sends a request and returns the unchanged response, with retries until its first byte.
    pub async fn passthrough(
        &self,
        call: &PassthroughCall,
    ) -> Result<PassthroughResponse, UpstreamError> {
        let target = call.model.as_ref().map(ModelId::as_str);
        self.with_backoff(target, || self.passthrough_once(call))
            .await
    }

    async fn passthrough_once(
        &self,
        call: &PassthroughCall,
    ) -> Result<PassthroughResponse, UpstreamError> {
        let PassthroughCall {
            method,
            path_and_query,
            headers,
            body,
            model: _,
            pace,
        } = call;
        let url = format!("{}{path_and_query}", self.runtime_endpoint());
        let destination = Destination::parse(&url, SIGNING_NAME)?;
        let outgoing = Outgoing {
            headers: Some(headers),
            ..Outgoing::json(method, &destination, body)
        };
        let limit = match pace {
            Pace::Stream => {
                return check_first_frame(self.open(&outgoing, FrameCutter::default).await?);
            }
            Pace::Model => self.response_timeout(),
            Pace::Immediate => SERVICE_TIMEOUT,
        };
        let response = self.fetch(&outgoing, limit).await?;
        Ok(PassthroughResponse::Complete(for_client(response)))
    }
}

/// Returns the stream, or the error in its first frame.
fn check_first_frame(
    response: Response<Box<FrameStream>>,
) -> Result<PassthroughResponse, UpstreamError> {
    let response = for_client(response);
    if let Some(first) = response.body().first()
        && let Err(error) = &first.event
    {
        let mut error = error.clone();
        let body = first.bytes.clone();
        error.response = Some(Box::new(response.map(|_| body)));
        return Err(error);
    }
    Ok(PassthroughResponse::Stream(response))
}

impl UpstreamError {
    /// Bedrock's error response for a client of its own API, without the operator's identifiers.
    /// `None` if there was no response, or if the error is about the gateway's credentials: the
    /// client would take it for an error about its own.
    pub fn take_response(&mut self) -> Option<Response<Bytes>> {
        let response = *self.response.take()?;
        if self.advice == RetryAdvice::RefreshCredentials {
            return None;
        }
        match response.status().is_success() {
            // A stream that consists of an exception, which contains no identifiers.
            true => Some(response),
            false => Some(for_client(response).map(scrubbed)),
        }
    }
}

fn scrubbed(body: Bytes) -> Bytes {
    match std::str::from_utf8(&body).map(|text| (scrub(text), text)) {
        Ok((clean, text)) if clean != text => clean.into(),
        _ => body,
    }
}

/// The response with only the headers that are meant for the client.
fn for_client<T>(response: Response<T>) -> Response<T> {
    let (mut head, body) = response.into_parts();
    head.headers = filtered(&head.headers, |name| {
        let name = name.as_str();
        matches!(
            name,
            "content-type" | "x-amzn-requestid" | "x-amzn-errortype" | "x-amz-retry-after"
        ) || name == RETRY_AFTER
    });
    head.extensions.clear();
    Response::from_parts(head, body)
}

fn filtered(headers: &HeaderMap, is_kept: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    let selected = headers
        .iter()
        .filter(|(name, _)| is_kept(name) || name.as_str().starts_with(OWN_HEADERS));
    selected
        .map(|(name, value): (&HeaderName, &HeaderValue)| (name.clone(), value.clone()))
        .collect()
}
