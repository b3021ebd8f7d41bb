//! One address to its bytes: redirects, and the body within its bounds.

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
use crate::body_memory::FileMemory;

/// How many bytes a request may still fetch, all its files together, and the memory for them.
#[derive(Debug)]
pub(super) struct Allowance<'a> {
    left: AtomicUsize,
    /// `None` if nobody counts it.
    memory: Option<&'a FileMemory>,
}

/// The memory that is admitted for a file when its first bytes are there.
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

    /// Takes `bytes`, or nothing where there are not so many.
    fn take(&self, bytes: usize) -> bool {
        let take = |left: usize| left.checked_sub(bytes);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }

    /// Admits the memory of a buffer that grows from `old` to `new` bytes.
    async fn grow(&self, old: usize, new: usize, first: &FetchTarget) -> Result<(), Problem> {
        let Some(memory) = self.memory else {
            return Ok(());
        };
        memory.admit(new - old).await.map_err(|_| {
            let message = format!(
                "the file at `{}` was not fetched: other requests take all the memory",
                first.host
            );
            Problem::new(FetchErrorKind::NoMemory, message)
        })
    }
}

/// Fetches `first`, or what it redirects to.
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
                        "`{}` answered with status {}; make sure that the file is there for \
                         everybody, or send it as a data URL",
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
            "`{}` redirects more than {} times; use the address of the file itself",
            first.host, connector.settings.max_redirects
        ),
    ))
}

/// Where an answer redirects to, checked as if the client had written it.
fn next(
    target: &FetchTarget,
    headers: &HeaderMap,
    connector: ServerConnector<'_>,
    first: &FetchTarget,
) -> Result<FetchTarget, Problem> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let url = location.and_then(|location| target.url.join(location).ok());
    let next = url.and_then(|url| FetchTarget::check(url, connector.settings).ok());
    // What was asked for privately is not fetched for all to see.
    next.filter(|next| !(target.url.scheme() == "https" && next.url.scheme() == "http"))
        .ok_or_else(|| Problem::redirect(first))
}

/// Reads the body, as long as there is allowance for it.
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
    // What is declared costs a server nothing, so memory is set aside for what has arrived.
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

/// Nothing is decompressed: a small answer could become a large one.
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
            "`{}` sends the file compressed without having been asked to; use another address, or \
             send the file as a data URL",
            first.host
        ),
    ))
}

fn too_large(first: &FetchTarget, max: usize) -> Problem {
    Problem::new(
        FetchErrorKind::TooLarge,
        format!(
            "the file at `{}` is larger than {max} bytes, the most that this gateway fetches; use \
             a smaller one",
            first.host
        ),
    )
}

fn too_large_together(connector: ServerConnector<'_>) -> Problem {
    Problem::new(
        FetchErrorKind::TooLarge,
        format!(
            "the files that this request points to are together larger than {} bytes, the most \
             that this gateway fetches for one request; use fewer or smaller ones",
            connector.settings.max_total_size
        ),
    )
}
