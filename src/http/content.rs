//! Downloads of stored files and videos.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::HttpContext;
use super::shutdown::{ShutdownPhase, restarting};
use crate::bedrock::S3Object;
use crate::gateway::client_error;
use crate::usage::Ledger;

impl HttpContext {
    /// Streams the content of a file or a video, or a range of it. An error of S3 and the shutdown
    /// close the connection before the declared length is sent, so that the client notices.
    pub fn content_response(
        &self,
        mut content: S3Object,
        media_type: HeaderValue,
        ledger: Arc<Ledger>,
    ) -> Response {
        let length = content.length;
        let range = content.range.as_deref().map(HeaderValue::try_from);
        let shutdown = self.shutdown.clone();
        if length == 0 {
            // The body of an empty response is not read.
            ledger.completed();
        }
        let body = Body::from_stream(async_stream::stream! {
            let ending = shutdown.reached(ShutdownPhase::Ending);
            tokio::pin!(ending);
            let mut left = length;
            loop {
                let next = tokio::select! {
                    biased;
                    next = content.next() => next.map_err(|error| client_error(error, &ledger)),
                    () = &mut ending => Err(restarting()),
                };
                match next {
                    Ok(Some(bytes)) => {
                        left = left.saturating_sub(bytes.len() as u64);
                        // The server does not ask for more than the declared length.
                        if left == 0 {
                            ledger.completed();
                        }
                        yield Ok(bytes);
                    }
                    Ok(None) => return,
                    Err(error) => {
                        ledger.failed(&error);
                        ledger.broken();
                        yield Err(error);
                        return;
                    }
                }
            }
        });
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, media_type);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let Some(Ok(range)) = range {
            headers.insert(CONTENT_RANGE, range);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    }
}
