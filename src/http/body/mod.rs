//! Reads and parses request bodies.
//!
//! A refused request drops its unread body. The connection then discards what the client still
//! sends, so that the error response arrives. Reading it here would delay the response, and request
//! the body from a client that waits for `100 Continue`.

pub(crate) mod content_type;
pub(crate) mod encoding;
pub(crate) mod multipart;
pub(crate) mod slow;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::HttpContext;
use super::deployment::with_deployment;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::resources::body_memory::{BodyPermit, SMALL};
use crate::wire::json_body;
use content_type::require_json;
use encoding::{BrokenBody, Encoding, decoded, encoding};

/// A body with its share of the memory budget.
#[derive(Debug)]
pub struct HeldBody {
    /// The bytes.
    pub bytes: Bytes,
    /// The memory; parsed values take more than the bytes.
    pub permit: BodyPermit,
}

/// Reads the body and parses it as JSON.
pub(super) async fn read_json<T: DeserializeOwned>(
    context: &HttpContext,
    headers: &HeaderMap,
    body: Body,
) -> Result<(T, HeldBody), ApiError> {
    require_json(headers)?;
    let body = read_as_sent(context, headers, body);
    let body = decompressed(context, headers, body.await?).await?;
    let HeldBody { bytes, mut permit } = body;
    let bytes = with_deployment(headers, bytes);
    let (length, workers) = (bytes.len(), &context.workers);
    let shape = workers.on_body(length, || json_body::shape(&bytes)).await;
    let value = match shape {
        Ok(shape) => {
            permit.admit_values(length, shape).await?;
            let parse = || json_body::parse_within_budget(&bytes);
            workers.on_body(length, parse).await
        }
        Err(error) => Err(error),
    };
    Ok((value?, HeldBody { bytes, permit }))
}

/// Reads a body without decompressing it, after reserving memory for its declared length.
pub async fn read_as_sent(
    context: &HttpContext,
    headers: &HeaderMap,
    body: Body,
) -> Result<HeldBody, ApiError> {
    // Refuse unsupported encodings before reading.
    encoding(headers)?;
    let declared = declared_length(headers, context.settings.max_body)?;
    let mut permit = context.bodies.permit();
    // Small bodies reserve memory after they have arrived, so that slow clients do not hold it.
    if let Some(length) = declared.filter(|length| *length > SMALL) {
        permit.admit(length).await?;
    }
    let chunks = decoded(body, Encoding::Identity);
    let bytes = gather(context, chunks, declared, &mut permit).await?;
    Ok(HeldBody { bytes, permit })
}

/// Decompresses the body if needed.
pub async fn decompressed(
    context: &HttpContext,
    headers: &HeaderMap,
    body: HeldBody,
) -> Result<HeldBody, ApiError> {
    let encoding = encoding(headers)?;
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let HeldBody { bytes, mut permit } = body;
    let chunks = decoded(Body::from(bytes), encoding);
    let bytes = gather(context, chunks, None, &mut permit).await?;
    Ok(HeldBody { bytes, permit })
}

pub(super) fn declared_length(headers: &HeaderMap, max: usize) -> Result<Option<usize>, ApiError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(length) if length > max as u64 => Err(too_large(max)),
        // A length up to `max` fits in a `usize`.
        Some(length) => Ok(Some(length as usize)),
        None => Ok(None),
    }
}

/// Concatenates `chunks`. Memory is reserved for the `declared` length, or as the chunks arrive.
async fn gather(
    context: &HttpContext,
    chunks: impl Stream<Item = Result<Bytes, BrokenBody>>,
    declared: Option<usize>,
    permit: &mut BodyPermit,
) -> Result<Bytes, ApiError> {
    let max = context.settings.max_body;
    let gathered = async {
        let mut chunks = std::pin::pin!(chunks);
        let mut admitted = declared.unwrap_or(0).max(SMALL);
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|broken| broken.error())?;
            let length = first.len() + all.len() + chunk.len();
            if length > max {
                return Err(too_large(max));
            }
            if length > admitted {
                admitted = length.next_power_of_two().min(max);
                permit.admit(admitted).await?;
            }
            // Most bodies arrive in one chunk, which is not copied.
            if first.is_empty() && all.is_empty() {
                first = chunk;
                continue;
            }
            if all.is_empty() {
                all.reserve(declared.unwrap_or(length));
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&chunk);
        }
        match first.is_empty() {
            true => Ok(all.freeze()),
            false => Ok(first),
        }
    };
    let gathered = tokio::time::timeout(context.settings.body_timeout, gathered).await;
    let bytes = gathered.unwrap_or_else(|_| Err(late()))?;
    permit.admit(bytes.len()).await?;
    Ok(bytes)
}

pub(super) fn late() -> ApiError {
    let message = "the request body did not arrive in time";
    ApiError::new(ErrorKind::RequestTimeout, message)
}

pub(super) fn too_large(max: usize) -> ApiError {
    ApiError::new(
        ErrorKind::TooLarge,
        format!("the request body exceeds the maximum of {max} bytes"),
    )
    .code(ErrorCode::RequestTooLarge)
}
