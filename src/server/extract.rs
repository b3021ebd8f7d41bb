//! A request's body as a typed value, or a refusal that names what is wrong with it.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::connection::TooSlow;
use super::content_type::require_json;
use super::deployment::with_deployment;
use crate::config::ServerSettings;
use crate::fault::{Fault, FaultKind};
use crate::json_body;

/// Reads the body as JSON, and gives its bytes as well.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<(T, Bytes), Fault> {
    if let Err(fault) = require_json(headers) {
        discard(body).await;
        return Err(fault);
    }
    let body = read_body(headers, body, settings).await?;
    let body = with_deployment(headers, body);
    Ok((json_body::parse(&body)?, body))
}

/// Leaves a body unread. The connection passes over what the client still sends of it, so that the
/// refusal arrives; reading it here would hold the refusal up, and ask a client that waits for
/// `100 Continue` to send what nobody wants.
pub async fn discard(body: Body) {
    drop(body);
}

/// Reads the body as it is.
pub async fn read_body(
    headers: &HeaderMap,
    body: Body,
    settings: &ServerSettings,
) -> Result<Bytes, Fault> {
    let most = settings.max_body;
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let collected = Limited::new(body, most).collect();
    match tokio::time::timeout(settings.body_timeout, collected).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Ok(Err(error)) if TooSlow::caused(&*error) => Err(too_slow()),
        Ok(Err(_)) => Err(Fault::new(
            FaultKind::InvalidRequest,
            "the body broke off before its end",
        )),
        Err(_) => Err(late()),
    }
}

pub(super) fn late() -> Fault {
    let message = "the body did not arrive in time";
    Fault::new(FaultKind::RequestTimeout, message)
}

pub(super) fn too_slow() -> Fault {
    let message = "the body arrives more slowly than the least rate of this gateway; send it again \
                   by a faster connection";
    Fault::new(FaultKind::RequestTimeout, message)
}

pub(super) fn too_large(most: usize) -> Fault {
    Fault::new(
        FaultKind::TooLarge,
        format!("the body is larger than {most} bytes, the most this gateway takes"),
    )
    .code("request_too_large")
}
