//! A single HTTP exchange with Bedrock.

mod connect;
pub(super) mod decoder;
pub(super) mod frames;
mod message;
mod pools;
pub(super) mod sse;
pub(super) mod stream;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;

use self::connect::is_untrusted;
use self::pools::Pools;
use crate::bedrock::auth::authorization::Authorization;
use crate::bedrock::auth::credentials::{CredentialCache, with_causes};
use crate::bedrock::destination::Destination;
use crate::bedrock::errors::{ErrorResponse, RetryAdvice, UpstreamError};
use crate::resources::workers::in_place;

/// The maximum length of an error body.
const MAX_ERROR_SIZE: usize = 1 << 20;

/// The maximum length of a complete response.
const MAX_RESPONSE_SIZE: usize = 64 << 20;

/// The number of headers of every request: those that are set here, of the signature, and hyper's.
const HEADERS: usize = 7;

/// A request before it is authorized.
#[derive(Debug, Clone, Copy)]
pub(in crate::bedrock) struct Outgoing<'a> {
    pub(in crate::bedrock) method: &'a Method,
    pub(in crate::bedrock) destination: &'a Destination,
    pub(in crate::bedrock) accept: &'static str,
    /// Additional headers, if any; they override `accept` and the content type.
    pub(in crate::bedrock) headers: Option<&'a HeaderMap>,
    pub(in crate::bedrock) body: &'a Bytes,
}

impl<'a> Outgoing<'a> {
    /// A request with a JSON response.
    pub(in crate::bedrock) fn json(
        method: &'a Method,
        destination: &'a Destination,
        body: &'a Bytes,
    ) -> Self {
        Self {
            method,
            destination,
            accept: "application/json",
            headers: None,
            body,
        }
    }
}

/// Sends authorized requests to Bedrock's services in one region.
#[derive(Debug)]
pub(in crate::bedrock) struct Transport {
    http: Pools,
    pub(in crate::bedrock) credentials: CredentialCache,
    region: String,
}

impl Transport {
    pub(in crate::bedrock) fn new(
        credentials: CredentialCache,
        region: String,
        connect_timeout: Duration,
    ) -> std::io::Result<Self> {
        Ok(Self {
            http: Pools::new(connect_timeout)?,
            credentials,
            region,
        })
    }

    /// Waits for any response from `url` to an unauthorized request.
    pub(in crate::bedrock) async fn reach(
        &self,
        url: &str,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let request = Request::get(url).body(Full::default())?;
        self.http.current().request(request).await?;
        Ok(())
    }

    /// Sends a request and waits for the headers of a success; any other status is an error, whose
    /// body is read.
    pub(in crate::bedrock) async fn send(
        &self,
        outgoing: &Outgoing<'_>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let authorization = self
            .credentials
            .authorization()
            .await
            .map_err(|error| UpstreamError::credentials(error.to_string()))?;
        let request = self.authorized(outgoing, &authorization)?;
        let response = self
            .http
            .current()
            .request(request)
            .await
            .map_err(|error| match is_untrusted(&error) {
                true => UpstreamError::untrusted(with_causes(&error)),
                false => UpstreamError::connection(with_causes(&error)),
            })?;
        if response.status().is_success() {
            return Ok(response);
        }
        // In a box, since it is rarely needed, and would be the largest part of every call.
        let error = Box::pin(read_error(response)).await;
        if error.advice == RetryAdvice::RefreshCredentials {
            self.credentials.mark_refused(&authorization);
        }
        Err(error)
    }

    fn authorized(
        &self,
        outgoing: &Outgoing<'_>,
        authorization: &Authorization,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let Outgoing {
            method,
            destination,
            accept,
            headers,
            body,
        } = *outgoing;
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = destination.uri.clone();
        let head = request.headers_mut();
        head.reserve(HEADERS + headers.map_or(0, HeaderMap::len));
        head.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        head.insert(ACCEPT, HeaderValue::from_static(accept));
        head.insert(HOST, destination.host.clone());
        head.extend(headers.cloned().unwrap_or_default());
        // The signature covers the whole body.
        in_place(body.len(), || {
            authorization.authorize(&mut request, destination, &self.region, body)
        })?;
        Ok(request)
    }
}

/// Reads a complete response.
pub(in crate::bedrock) async fn complete(
    response: Response<Incoming>,
) -> Result<Response<Bytes>, UpstreamError> {
    let (head, body) = response.into_parts();
    let collected = Limited::new(body, MAX_RESPONSE_SIZE).collect().await;
    collected
        .map(|body| Response::from_parts(head, body.to_bytes()))
        .map_err(|error| match error.is::<LengthLimitError>() {
            true => UpstreamError::unreadable(format!("longer than {MAX_RESPONSE_SIZE} bytes")),
            false => UpstreamError::interrupted(error.to_string()),
        })
}

async fn read_error(response: Response<Incoming>) -> UpstreamError {
    let (head, body) = response.into_parts();
    if head.status.is_informational() || head.status.is_redirection() {
        let location = text(&head.headers, LOCATION.as_str());
        return UpstreamError::unexpected_status(head.status.as_u16(), location);
    }
    let body = match Limited::new(body, MAX_ERROR_SIZE).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let error_response = ErrorResponse {
        status: head.status.as_u16(),
        error_type: text(&head.headers, "x-amzn-errortype"),
        wait: retry_after(&head.headers, SystemTime::now()),
        body: &body,
    };
    let mut error = UpstreamError::from_response(&error_response);
    error.response = Some(Box::new(Response::from_parts(head, body)));
    error
}

/// The requested retry delay: `retry-after` in seconds or as a date, or `x-amz-retry-after` in
/// milliseconds.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let number = |name: &str| text(headers, name)?.trim().parse::<u64>().ok();
    let date = || httpdate::parse_http_date(text(headers, RETRY_AFTER.as_str())?.trim()).ok();
    number(RETRY_AFTER.as_str())
        .map(Duration::from_secs)
        // A date in the past means no delay.
        .or_else(|| date().map(|date| date.duration_since(now).unwrap_or_default()))
        .or_else(|| number("x-amz-retry-after").map(Duration::from_millis))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_parsed_as_seconds_date_or_milliseconds() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        for (name, value, seconds) in [
            ("retry-after", "7", Some(7.0)),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT", Some(30.0)),
            ("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT", Some(30.0)),
            ("retry-after", "Sun Nov  6 08:50:07 1994", Some(30.0)),
            ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("x-amz-retry-after", "1500", Some(1.5)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let wait = retry_after(&headers, now).map(|wait| wait.as_secs_f64());
            assert_eq!(wait, seconds, "{value}");
        }
    }
}
