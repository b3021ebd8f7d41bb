//! Compressed request bodies.

use std::io::Write;

use axum::body::Body;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures_util::Stream;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;

use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::http::body::slow::{TooSlow, too_slow};

/// Compressed bytes per step: gzip expands a byte to at most about a thousand.
const STEP: usize = 512;

/// The minimum size of a decompressed chunk.
const CHUNK: usize = 64 << 10;

/// The content encoding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not compressed.
    Identity,
    /// Compressed with gzip.
    Gzip,
}

/// Why a body is incomplete.
#[derive(Debug)]
pub(super) enum BrokenBody {
    /// The connection broke.
    Connection,
    /// It arrived below the minimum rate.
    Slow,
    /// It is not valid gzip.
    Gzip,
}

impl BrokenBody {
    pub(super) fn error(&self) -> ApiError {
        let message = match self {
            Self::Slow => return too_slow(),
            Self::Connection => "the body ended early",
            Self::Gzip => {
                "the body is not valid gzip; compress it completely, or remove the header \
                `content-encoding: gzip`"
            }
        };
        ApiError::new(ErrorKind::InvalidRequest, message)
    }
}

impl std::fmt::Display for BrokenBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error().fmt(formatter)
    }
}

impl std::error::Error for BrokenBody {}

/// Reads the content encoding; refuses those that are not supported.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let values = headers.get_all(CONTENT_ENCODING).into_iter();
    let names = values.map(|value| value.to_str().unwrap_or("?"));
    let mut parsed = Encoding::Identity;
    for name in names.flat_map(|value| value.split(',')).map(str::trim) {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match parsed {
            _ if name.is_empty() || is("identity") => {}
            Encoding::Identity if is("gzip") => parsed = Encoding::Gzip,
            _ => return Err(unsupported(name)),
        }
    }
    Ok(parsed)
}

fn unsupported(name: &str) -> ApiError {
    let name: String = name.chars().take(64).collect();
    let message = format!(
        "the content encoding `{name}` is not supported; send the body without encoding, or as \
        `gzip`"
    );
    ApiError::new(ErrorKind::UnsupportedMediaType, message)
        .code(ErrorCode::UnsupportedContentEncoding)
}

/// The bytes of `body`, decompressed if needed. A few compressed bytes can become very many: the
/// reader has to limit them.
pub(super) fn decoded(
    body: Body,
    encoding: Encoding,
) -> impl Stream<Item = Result<Bytes, BrokenBody>> + Send + 'static {
    async_stream::try_stream! {
        let mut body = body;
        let mut decoder = match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some(MultiGzDecoder::new(Vec::new())),
        };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match TooSlow::caused(&error) {
                true => BrokenBody::Slow,
                false => BrokenBody::Connection,
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let Some(decoder) = &mut decoder else {
                yield data;
                continue;
            };
            for step in data.chunks(STEP) {
                decoder.write_all(step).map_err(|_| BrokenBody::Gzip)?;
                if decoder.get_ref().len() >= CHUNK {
                    yield Bytes::from(std::mem::take(decoder.get_mut()));
                    // Large bodies must not delay other requests.
                    tokio::task::yield_now().await;
                }
            }
        }
        if let Some(decoder) = decoder {
            let rest = decoder.finish().map_err(|_| BrokenBody::Gzip)?;
            yield Bytes::from(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures_util::{StreamExt, TryStreamExt, stream};
    use http::HeaderValue;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("a byte vector");
        encoder.finish().expect("a byte vector")
    }

    async fn read(chunks: Vec<Vec<u8>>) -> Result<Vec<u8>, BrokenBody> {
        let chunks = chunks.into_iter().map(Ok::<_, std::io::Error>);
        let body = Body::from_stream(stream::iter(chunks));
        let decoded: Vec<Bytes> = decoded(body, Encoding::Gzip).try_collect().await?;
        Ok(decoded.concat())
    }

    #[tokio::test]
    async fn compressed_bodies_are_decoded_at_any_chunk_boundary() {
        let text = "A text. ".repeat(10_000).into_bytes();
        let compressed = gzip(&text);
        let body = read(vec![compressed.clone()]).await;
        assert_eq!(body.ok().as_ref(), Some(&text));
        let bytes = compressed.iter().map(|byte| vec![*byte]).collect();
        assert_eq!(read(bytes).await.ok().as_ref(), Some(&text));
        // A gzip file may have several members.
        let twice = read(vec![gzip(b"one "), gzip(b"two")]).await;
        assert_eq!(twice.ok().as_deref(), Some(&b"one two"[..]));
    }

    #[tokio::test]
    async fn truncated_and_invalid_gzip_is_an_error() {
        let mut cut = gzip(b"a text that is cut");
        cut.truncate(cut.len() - 4);
        for body in [cut, b"{}".to_vec(), Vec::new()] {
            let read = read(vec![body]).await;
            assert!(matches!(read, Err(BrokenBody::Gzip)), "{read:?}");
        }
    }

    #[tokio::test]
    async fn a_small_body_is_decompressed_incrementally() {
        let body = Body::from(gzip(&vec![0; 64 << 20]));
        let mut chunks = Box::pin(decoded(body, Encoding::Gzip));
        while let Some(chunk) = chunks.next().await {
            assert!(chunk.expect("zeros").len() <= CHUNK + 1100 * STEP);
        }
    }

    #[test]
    fn unsupported_encodings_are_rejected_by_name() {
        let parsed = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            encoding(&HeaderMap::from_iter([(CONTENT_ENCODING, value)]))
        };
        assert_eq!(encoding(&HeaderMap::new()), Ok(Encoding::Identity));
        for (value, expected) in [
            ("identity", Encoding::Identity),
            ("GZIP", Encoding::Gzip),
            ("identity, gzip", Encoding::Gzip),
        ] {
            assert_eq!(parsed(value), Ok(expected), "{value}");
        }
        for (value, name) in [
            ("br", "`br`"),
            ("gzip, zstd", "`zstd`"),
            ("gzip,gzip", "`gzip`"),
        ] {
            let error = parsed(value).expect_err(value);
            assert_eq!(error.kind, ErrorKind::UnsupportedMediaType);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
