//! Responses of Bedrock's own API: unchanged bytes, and errors in AWS's format.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};

use super::App;
use super::respond::{Notes, add_notes, add_retry};
use super::shutdown::{Shutdown, ShutdownPhase, restarting};
use crate::error::ApiError;
use crate::pipeline::AwsError;
use crate::pipeline::PassthroughStream;
use crate::usage::RequestOutcome;

const ERROR_TYPE: HeaderName = HeaderName::from_static(AwsError::NAME_HEADER);

/// A non-streaming response with Bedrock's status and headers.
pub fn passthrough_response(head: Parts, body: Bytes, notes: &Notes<'_>) -> Response {
    let mut response = Response::from_parts(head, Body::from(body));
    add_notes(response.headers_mut(), notes);
    response
}

/// A streaming response.
pub fn passthrough_stream(
    app: &App,
    head: Parts,
    stream: PassthroughStream,
    notes: &Notes<'_>,
) -> Response {
    let body = body(stream, app.shutdown.clone());
    let mut response = Response::from_parts(head, body);
    add_notes(response.headers_mut(), notes);
    response
}

/// An error response in AWS's format.
pub fn refuse_as_aws(api_error: &ApiError) -> Response {
    let error = AwsError::from(api_error);
    let mut response = Response::new(Body::from(error.to_json()));
    let status = StatusCode::from_u16(error.status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(name) = HeaderValue::try_from(error.name) {
        headers.insert(ERROR_TYPE, name);
    }
    add_retry(headers, api_error);
    let notes = Notes {
        rate: api_error.rate.as_deref().copied(),
        ..Notes::default()
    };
    add_notes(headers, &notes);
    response
}

/// The body of a streaming response. The server drops it when the client disconnects, which cancels
/// the call to Bedrock. There are no keepalives: the format has none.
fn body(mut stream: PassthroughStream, shutdown: Shutdown) -> Body {
    Body::from_stream(async_stream::stream! {
        let ending = shutdown.reached(ShutdownPhase::Ending);
        tokio::pin!(ending);
        loop {
            let step = tokio::select! {
                biased;
                step = stream.next() => step,
                () = &mut ending => Err(restarting()),
            };
            match step {
                Ok(Some(bytes)) => yield Ok::<_, Infallible>(bytes),
                Ok(None) => return,
                Err(error) => {
                    note_broken(&stream, &error);
                    yield Ok(stream.fail(&error));
                    return;
                }
            }
        }
    })
}

fn note_broken(stream: &PassthroughStream, error: &ApiError) {
    stream.ledger().entries().outcome = RequestOutcome::Broken;
    stream.ledger().note_error(error);
}
