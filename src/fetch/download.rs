//! Downloads one URL: follows redirects and limits the body.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::RemoteFile;
use super::error::{FetchErrorKind, Problem};
use super::exchange::{ServerConnector, broken_off};
use super::target::FetchTarget;
use crate::resources::body_memory::FileMemory;

/// The bytes that a request may still download for all its files, and the memory for them.
#[derive(Debug)]
pub(super) struct Allowance<'a> {
    left: AtomicUsize,
    /// `None` without a memory budget.
    memory: Option<&'a FileMemory>,
}

/// The memory reserved for a file when its first bytes arrive.
const FIRST_BUFFER: usize = 64 << 10;

impl<'a> Allowance<'a> {
    pub(super) fn new(bytes: usize, memory: Option<&'a FileMemory>) -> Self {
        Self {
            left: AtomicUsize::new(bytes),
            memory,
        }
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes `bytes`; `false` if fewer are left.
    fn take(&self, bytes: usize) -> bool {
        let take = |left: usize| left.checked_sub(bytes);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Reserves memory for a buffer that grows from `old` to `new` bytes.
    async fn grow(&self, old: usize, new: usize, first: &FetchTarget) -> Result<(), Problem> {
        let Some(memory) = self.memory else {
            return Ok(());
        };
        memory.admit(new - old).await.map_err(|_| {
            let message = format!(
                "cannot download the file from `{}`: the memory for request bodies is in use; try again \
                 in a moment",
                first.host
            );
            Problem::new(FetchErrorKind::NoMemory, message)
        })
    }
}

/// Downloads `first` or the target of its redirects.
pub(super) async fn download(
    connector: ServerConnector<'_>,
    first: &FetchTarget,
    allowance: &Allowance<'_>,
) -> Result<RemoteFile, Problem> {
    let mut target = first.clone();
    for _ in 0..=connector.settings.max_redirects {
        let exchange = connector.send(&target).await;
        let mut exchange = exchange.map_err(|problem| problem.of(first, &target))?;
        let (status, headers) = (exchange.response.status(), exchange.response.headers());
        match status {
            StatusCode::OK => {
                let content_type = content_type(headers);
                check_encoding(headers, first)?;
                let bytes = read(exchange.response.body_mut(), connector, first, allowance).await?;
                return Ok(RemoteFile {
                    bytes,
                    content_type,
                });
            }
            StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT => target = next(&target, headers, connector, first)?,
            status => {
                return Err(Problem::new(
                    FetchErrorKind::Status(status),
                    format!(
                        "`{}` returned status {}; make sure that the file is public, or send it \
                        as a data URL",
                        first.host,
                        status.as_u16()
                    ),
                ));
            }
        }
    }
    Err(Problem::new(
        FetchErrorKind::Redirects,
        format!(
            "`{}` redirects more than {} times; use the URL of the file itself",
            first.host, connector.settings.max_redirects
        ),
    ))
}

/// The target of a redirect, checked like a URL of the request.
fn next(
    target: &FetchTarget,
    headers: &HeaderMap,
    connector: ServerConnector<'_>,
    first: &FetchTarget,
) -> Result<FetchTarget, Problem> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let url = location.and_then(|location| target.url.join(location).ok());
    let next = url.and_then(|url| FetchTarget::check(url, connector.settings).ok());
    // No downgrade from https to http.
    next.filter(|next| !(target.url.scheme() == "https" && next.url.scheme() == "http"))
        .ok_or_else(|| Problem::redirect(first))
}

/// Reads the body within the allowance.
async fn read(
    body: &mut Incoming,
    connector: ServerConnector<'_>,
    first: &FetchTarget,
    allowance: &Allowance<'_>,
) -> Result<Bytes, Problem> {
    let max = connector.settings.max_size;
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > max {
        return Err(too_large(first, max));
    }
    if declared > allowance.left() {
        return Err(too_large_together(connector));
    }
    // The declared length is not trusted: memory is reserved for received bytes.
    let mut bytes = BytesMut::new();
    let mut admitted = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken_off(first))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > max - bytes.len() {
            return Err(too_large(first, max));
        }
        if !allowance.take(data.len()) {
            return Err(too_large_together(connector));
        }
        let length = bytes.len() + data.len();
        if length > admitted {
            let grown = length.max(FIRST_BUFFER).next_power_of_two().min(max);
            allowance.grow(admitted, grown, first).await?;
            bytes.reserve(grown - bytes.len());
            admitted = grown;
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(CONTENT_TYPE)?.to_str().ok()?.to_owned())
}

/// Refuses compressed responses: a small one could expand to a large one.
fn check_encoding(headers: &HeaderMap, first: &FetchTarget) -> Result<(), Problem> {
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if plain {
        return Ok(());
    }
    Err(Problem::new(
        FetchErrorKind::Unreachable,
        format!(
            "`{}` sends the file compressed although the request did not accept it; use another URL, or \
             send the file as a data URL",
            first.host
        ),
    ))
}

fn too_large(first: &FetchTarget, max: usize) -> Problem {
    Problem::new(
        FetchErrorKind::TooLarge,
        format!(
            "the file at `{}` exceeds the maximum of {max} bytes; use a smaller one",
            first.host
        ),
    )
}

fn too_large_together(connector: ServerConnector<'_>) -> Problem {
    Problem::new(
        FetchErrorKind::TooLarge,
        format!(
            "the files of this request together exceed the maximum of {} bytes; use fewer or \
            smaller ones",
            connector.settings.max_total_size
        ),
    )
}
