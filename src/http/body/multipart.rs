//! Bodies of `multipart/form-data`: read completely, or streamed for large files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::{Constraints, Error, Field, Multipart, SizeLimit};

use super::encoding::{BrokenBody, Encoding, decoded, encoding};
use crate::config::ServerSettings;
use crate::error::{ApiError, ErrorCode, ErrorKind, Sentence};
use crate::http::body::{declared_length, late, too_large};
use crate::resources::body_memory::{BodyPermit, SMALL};
use crate::wire::form::FormPart;

/// The maximum number of bytes without the end of a part's headers or of the preamble: the parser
/// buffers them.
const MAX_UNREAD: usize = 4 << 20;

/// Memory per byte of a form: images are also decoded and encoded as base64.
const FORM_FACTOR: usize = 2;

/// The limits of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormLimits {
    /// Maximum size of the body, in bytes.
    pub body: usize,
    /// Maximum size of a part that is read completely, in bytes.
    pub part: usize,
    /// Maximum number of parts.
    pub parts: usize,
    /// Timeout for a body that is read completely, or for each chunk of one that is streamed.
    pub timeout: Duration,
}

impl FormLimits {
    /// The limits of a form with the maximum size of a JSON body.
    pub fn of(settings: &ServerSettings) -> Self {
        Self {
            body: settings.max_body,
            part: settings.max_body,
            parts: 64,
            timeout: settings.body_timeout,
        }
    }
}

/// A form that is read part by part.
#[derive(Debug)]
pub struct MultipartForm {
    parts: Multipart<'static>,
    /// The current part: the parser continues when it is dropped.
    open: Option<Field<'static>>,
    unread: Arc<AtomicUsize>,
    left: usize,
    limits: FormLimits,
}

/// A part with unread content.
#[derive(Debug)]
pub struct OpenPart<'a> {
    /// The field's name.
    pub name: String,
    /// The name of the file; `None` for a text field.
    pub file_name: Option<String>,
    /// The media type that the client declares.
    pub content_type: Option<String>,
    form: &'a mut MultipartForm,
}

/// Whether the content type is that of a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    boundary(headers).is_some()
}

/// Reads a form completely. Memory is reserved for its declared length, or as it grows.
pub(crate) async fn read_form(
    headers: &HeaderMap,
    body: Body,
    limits: FormLimits,
    memory: &mut BodyPermit,
) -> Result<Vec<FormPart>, ApiError> {
    let declared = match encoding(headers)? {
        Encoding::Identity => declared_length(headers, limits.body)?,
        Encoding::Gzip => None,
    };
    let mut admitted = SMALL;
    if let Some(length) = declared.filter(|length| *length > SMALL) {
        memory.admit(length.saturating_mul(FORM_FACTOR)).await?;
        admitted = length;
    }
    let all = async {
        let mut form = MultipartForm::open(headers, body, limits)?;
        let mut parts = Vec::new();
        let mut length = 0;
        while let Some(mut part) = form.next().await? {
            let mut bytes = Vec::new();
            while let Some(chunk) = part.chunk().await? {
                length += chunk.len();
                if length > admitted {
                    admitted = length.next_power_of_two().min(limits.body);
                    memory.admit(admitted.saturating_mul(FORM_FACTOR)).await?;
                }
                part.append(&chunk, &mut bytes)?;
            }
            parts.push(part.of(bytes));
        }
        // Small forms reserve memory after they have arrived, so that slow clients do not hold it.
        memory.admit(length.saturating_mul(FORM_FACTOR)).await?;
        Ok(parts)
    };
    let all = tokio::time::timeout(limits.timeout, all).await;
    all.unwrap_or_else(|_| Err(late()))
}

impl MultipartForm {
    /// Starts to read a form.
    pub fn open(headers: &HeaderMap, body: Body, limits: FormLimits) -> Result<Self, ApiError> {
        let boundary = boundary(headers).ok_or_else(no_form)?;
        let unread = Arc::new(AtomicUsize::new(0));
        let arrived = Arc::clone(&unread);
        let body = decoded(body, encoding(headers)?).map_err(Unreadable::Broken);
        let body = body.and_then(move |bytes| {
            let unread = arrived.fetch_add(bytes.len(), Ordering::Relaxed);
            std::future::ready(match unread.saturating_add(bytes.len()) > MAX_UNREAD {
                true => Err(Unreadable::NoEnd),
                false => Ok(bytes),
            })
        });
        let size = SizeLimit::new().whole_stream(limits.body as u64);
        let constraints = Constraints::new().size_limit(size);
        Ok(Self {
            parts: Multipart::with_constraints(body, boundary, constraints),
            open: None,
            unread,
            left: limits.parts,
            limits,
        })
    }

    /// The next part; `None` at the end. The rest of the current part is skipped.
    pub async fn next(&mut self) -> Result<Option<OpenPart<'_>>, ApiError> {
        self.open = None;
        let next = tokio::time::timeout(self.limits.timeout, self.parts.next_field()).await;
        let next = next.map_err(|_| late())?;
        let Some(field) = next.map_err(|error| form_error(&error, self.limits.body))? else {
            return Ok(None);
        };
        self.unread.store(0, Ordering::Relaxed);
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            let max = self.limits.parts;
            malformed(format!("the form has more than {max} parts"))
        })?;
        let name = field.name().map(str::to_owned);
        let name = name.ok_or_else(|| malformed("a part of the form has no name"))?;
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        self.open = Some(field);
        Ok(Some(OpenPart {
            name,
            file_name,
            content_type,
            form: self,
        }))
    }
}

impl OpenPart<'_> {
    /// The next bytes of the content; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let limits = self.form.limits;
        let Some(field) = &mut self.form.open else {
            return Ok(None);
        };
        let chunk = tokio::time::timeout(limits.timeout, field.chunk()).await;
        let chunk = chunk.map_err(|_| late())?;
        self.form.unread.store(0, Ordering::Relaxed);
        chunk.map_err(|error| form_error(&error, limits.body))
    }

    /// Reads the content of the part.
    pub async fn read_all(mut self) -> Result<FormPart, ApiError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            self.append(&chunk, &mut bytes)?;
        }
        Ok(self.of(bytes))
    }

    /// Appends bytes to the content, up to the limit.
    fn append(&self, chunk: &Bytes, content: &mut Vec<u8>) -> Result<(), ApiError> {
        let max = self.form.limits.part;
        if content.len() + chunk.len() > max {
            let message = format!("`{}` exceeds {max} bytes", self.name);
            let form_error = ApiError::new(ErrorKind::TooLarge, message);
            return Err(form_error
                .parameter(&self.name)
                .code(ErrorCode::RequestTooLarge));
        }
        content.extend_from_slice(chunk);
        Ok(())
    }

    fn of(self, content: Vec<u8>) -> FormPart {
        FormPart {
            name: self.name,
            file_name: self.file_name,
            content_type: self.content_type,
            bytes: content.into(),
        }
    }
}

/// Why the bytes of a form cannot be read.
#[derive(Debug)]
enum Unreadable {
    Broken(BrokenBody),
    NoEnd,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(error) => error.fmt(formatter),
            Self::NoEnd => formatter.write_str("the headers of a part have no end"),
        }
    }
}

impl std::error::Error for Unreadable {}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let declared = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(declared).ok()
}

fn no_form() -> ApiError {
    let message = "the body is not a form; send it as `multipart/form-data` with a boundary";
    ApiError::new(ErrorKind::UnsupportedMediaType, message).code(ErrorCode::UnsupportedMediaType)
}

fn malformed(message: impl Into<Sentence>) -> ApiError {
    ApiError::new(ErrorKind::InvalidRequest, message).code(ErrorCode::InvalidForm)
}

fn form_error(error: &Error, max: usize) -> ApiError {
    match error {
        Error::StreamSizeExceeded { .. } => too_large(max),
        Error::StreamReadFailed(cause) => match cause.downcast_ref() {
            Some(Unreadable::Broken(BrokenBody::Slow)) => BrokenBody::Slow.error(),
            Some(Unreadable::Broken(broken)) => broken.error().code(ErrorCode::InvalidForm),
            Some(Unreadable::NoEnd) => malformed(format!("invalid form: {cause}")),
            None => malformed("the body ended early"),
        },
        _ => malformed(format!("invalid form: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::body_memory::BodyMemory;
    use http::HeaderValue;

    const LIMITS: FormLimits = FormLimits {
        body: 8 << 20,
        part: 64,
        parts: 3,
        timeout: Duration::from_secs(5),
    };

    fn headers() -> HeaderMap {
        let form = HeaderValue::from_static("multipart/form-data; boundary=x");
        HeaderMap::from_iter([(CONTENT_TYPE, form)])
    }

    fn part(name: &str, content: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {name}\r\n\r\n{content}\r\n")
    }

    async fn read(body: String, limits: FormLimits) -> Result<Vec<FormPart>, ApiError> {
        let mut memory = BodyMemory::new(64 << 20).permit();
        read_form(&headers(), Body::from(body), limits, &mut memory).await
    }

    async fn refusal(body: String, limits: FormLimits) -> ApiError {
        let read = read(body, limits).await;
        read.expect_err("a form that is refused")
    }

    #[tokio::test]
    async fn parts_have_names_types_and_bytes() {
        let file = "--x\r\nContent-Disposition: form-data; name=\"image[]\"; filename=\"a b.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\r\n--y\r\n\r\n";
        let body = format!("{}{file}--x--\r\n", part("name=\"prompt\"", "a cat"));
        let parts = read(body, LIMITS).await.expect("a form");
        let [prompt, image] = &parts[..] else {
            panic!("{parts:?}");
        };
        assert_eq!(
            (&*prompt.name, &prompt.bytes[..]),
            ("prompt", &b"a cat"[..])
        );
        assert_eq!(prompt.file_name, None);
        assert_eq!((&*image.name, image.field()), ("image[]", "image"));
        assert_eq!(image.file_name.as_deref(), Some("a b.png"));
        assert_eq!(image.content_type.as_deref(), Some("image/png"));
        assert_eq!(&image.bytes[..], b"\r\n--y\r\n");
    }

    #[tokio::test]
    async fn a_file_is_streamed_regardless_of_its_size() {
        let content = "z".repeat(3 << 20);
        let body = format!(
            "{}--x--\r\n",
            part("name=\"file\"; filename=\"f\"", &content)
        );
        let chunks = body.as_bytes().chunks(1000).map(Bytes::copy_from_slice);
        let chunks: Vec<Result<Bytes, std::io::Error>> = chunks.map(Ok).collect();
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let mut form = MultipartForm::open(&headers(), body, LIMITS).expect("a form");
        let mut part = form.next().await.expect("a part").expect("a part");
        let mut length = 0;
        while let Some(chunk) = part.chunk().await.expect("a chunk") {
            length += chunk.len();
        }
        assert_eq!(length, content.len());
        assert!(form.next().await.expect("the end").is_none());
    }

    #[tokio::test]
    async fn forms_are_limited_in_bytes_parts_and_headers() {
        let long = "z".repeat(65);
        let error = refusal(part("name=\"a\"", &long) + "--x--\r\n", LIMITS).await;
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert_eq!(error.path().as_deref(), Some("a"));

        let small = FormLimits { body: 80, ..LIMITS };
        let body = [part("name=\"a\"", "1"), part("name=\"b\"", "2")].concat();
        assert_eq!(refusal(body, small).await.kind, ErrorKind::TooLarge);

        let many = part("name=\"a\"", "1").repeat(4) + "--x--\r\n";
        let error = refusal(many, LIMITS).await;
        assert!(error.to_string().contains("more than 3 parts"), "{error}");

        let head = format!("--x\r\nContent-Disposition: {}", "z".repeat(5 << 20));
        let error = refusal(head, LIMITS).await;
        assert!(error.to_string().contains("have no end"), "{error}");
    }

    #[tokio::test]
    async fn an_invalid_form_is_reported_as_such() {
        let nameless = "--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--\r\n";
        for body in ["", "hello", &part("name=\"a\"", "1"), nameless] {
            let error = refusal(body.to_owned(), LIMITS).await;
            assert_eq!(error.code, Some(ErrorCode::InvalidForm), "{body}: {error}");
        }
        let mut memory = BodyMemory::new(64 << 20).permit();
        let none = read_form(&HeaderMap::new(), Body::empty(), LIMITS, &mut memory).await;
        let error = none.expect_err("no form");
        assert_eq!(error.kind, ErrorKind::UnsupportedMediaType);
    }
}
