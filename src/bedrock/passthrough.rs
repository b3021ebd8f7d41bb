//! Bedrock's own API: requests that go out as they came, and answers that come back as they are.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use super::client::{Bedrock, SERVICE_TIMEOUT, within};
use super::scrub::scrub;
use super::stream::FrameStream;
use super::transport::Outgoing;
use super::upstream_error::{RetryAdvice, UpstreamError};
use crate::models::ModelId;

/// What the headers of Bedrock's own begin with.
const OWN_HEADERS: &str = "x-amzn-bedrock-";

/// A request that goes out as it came, but for who signs it.
#[derive(Debug, Clone)]
pub struct PassthroughCall {
    /// The method.
    pub method: Method,
    /// Encoded, as it came.
    pub path_and_query: String,
    /// The headers that Bedrock reads.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The model, if it is a call to one.
    pub model: Option<ModelId>,
    /// How its answer comes.
    pub pace: Pace,
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As an event stream.
    Stream,
    /// Whole, once a model has written it.
    Model,
    /// Whole and soon.
    Immediate,
}

/// An answer as it is.
#[derive(Debug)]
pub enum PassthroughResponse {
    /// A whole one.
    Complete(Response<Bytes>),
    /// A stream whose first frame has arrived.
    Stream(Response<Box<FrameStream>>),
}

impl PassthroughCall {
    /// Of a client's headers those that are Bedrock's: what it wants to get, what it sends, and
    /// `X-Amzn-Bedrock-*`. What the client is known by stays here.
    pub fn headers(of_client: &HeaderMap) -> HeaderMap {
        filtered(of_client, |name| {
            matches!(name.as_str(), "accept" | "content-type")
        })
    }
}

impl Bedrock {
    /// Sends a request and gives the answer as it is, with retries until its first byte.
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
        let outgoing = Outgoing {
            headers: headers.clone(),
            ..Outgoing::json(method.clone(), &url, body.clone())
        };
        let timeouts = self.timeouts();
        let limit = match pace {
            Pace::Stream => {
                let open = async {
                    let sent = self.transport().send(outgoing).await?;
                    FrameStream::open(sent, timeouts).await
                };
                return first_is_good(within(timeouts.first_event, open).await?);
            }
            Pace::Model => timeouts.response,
            Pace::Immediate => SERVICE_TIMEOUT,
        };
        let response = within(limit, self.transport().fetch(outgoing)).await?;
        Ok(PassthroughResponse::Complete(for_client(response)))
    }
}

/// A stream, unless its first frame tells of a failure, as an error's status does for others.
fn first_is_good(response: Response<FrameStream>) -> Result<PassthroughResponse, UpstreamError> {
    let response = for_client(response);
    if let Some(first) = response.body().first()
        && let Err(error) = &first.event
    {
        let mut error = error.clone();
        let body = first.bytes.clone();
        error.response = Some(Box::new(response.map(|_| body)));
        return Err(error);
    }
    Ok(PassthroughResponse::Stream(response.map(Box::new)))
}

impl UpstreamError {
    /// Bedrock's answer for a client of its own API, without what names the operator. Nothing where
    /// there is none, or where it speaks of the gateway's credentials: clients would take it for
    /// theirs.
    pub fn take_response(&mut self) -> Option<Response<Bytes>> {
        let response = *self.response.take()?;
        if self.advice == RetryAdvice::RefreshCredentials {
            return None;
        }
        match response.status().is_success() {
            // A stream that is an exception alone, which is clean.
            true => Some(response),
            false => Some(for_client(response).map(without_names)),
        }
    }
}

fn without_names(body: Bytes) -> Bytes {
    match std::str::from_utf8(&body).map(|text| (scrub(text), text)) {
        Ok((clean, text)) if clean != text => clean.into(),
        _ => body,
    }
}

/// The answer with those of its headers that are for the client.
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
