//! Translates a media part to a Converse block.

use super::data_url::is_data_url;
use super::declared::{Format, FormatHints};
use super::limits::{MAX_DOCUMENTS, check_size};
use super::names::{DocumentNames, extension, filename_of_address};
use super::remote::RemoteFiles;
use super::s3::{is_s3_uri, s3_location};
use super::source::{SourcePath, is_address, open};
use super::{AudioBlock, DocumentBlock, ImageBlock, MediaSource, S3Location, VideoBlock};
use crate::converse::content::{CitationsConfig, ContentBlock, ToolResultContent};
use crate::converse::media::formats::{PartKind, declared_format, detect};
use crate::error::{ApiError, Field, MediaField, Parameter, PartField, PartPosition};
use crate::models::{Capabilities, Medium};
use crate::reply::Adjustments;

/// Translates the media of one request, in order. It gives each document a unique name.
#[derive(Debug)]
pub(crate) struct Media<'a> {
    capabilities: &'a Capabilities,
    fetched: &'a RemoteFiles,
    names: DocumentNames,
}

/// A media part of any type, with its position in the request.
#[derive(Debug)]
pub(crate) struct MediaPart {
    pub(crate) kind: PartKind,
    /// The part's position, for errors.
    pub(crate) position: PartPosition,
    /// A data URL, base64, or a URL.
    pub(crate) address: String,
    /// The field with `address`.
    pub(crate) address_field: MediaField,
    pub(crate) filename: Option<String>,
    /// The resolution in which the model reads an image.
    pub(crate) detail: Option<String>,
    pub(crate) format: Option<String>,
    pub(crate) bucket_owner: Option<String>,
    pub(crate) citations: Option<CitationsConfig>,
    pub(crate) context: Option<String>,
}

/// A Converse block of one of the media types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MediaBlock {
    Image(ImageBlock),
    Document(DocumentBlock),
    Video(VideoBlock),
    Audio(AudioBlock),
}

impl MediaBlock {
    /// The S3 location of the file; `None` if its bytes are inline.
    pub(crate) fn s3_location(&self) -> Option<&S3Location> {
        let source = match self {
            Self::Image(block) => &block.source,
            Self::Document(block) => &block.source,
            Self::Video(block) => &block.source,
            Self::Audio(block) => &block.source,
        };
        match source {
            MediaSource::S3Location(location) => Some(location),
            MediaSource::Bytes(_) | MediaSource::Text(_) => None,
        }
    }
}

impl From<MediaBlock> for ContentBlock {
    fn from(block: MediaBlock) -> Self {
        match block {
            MediaBlock::Image(block) => Self::Image(block),
            MediaBlock::Document(block) => Self::Document(block),
            MediaBlock::Video(block) => Self::Video(block),
            MediaBlock::Audio(block) => Self::Audio(block),
        }
    }
}

/// Fails with the block if it is audio, which tool results cannot contain.
impl TryFrom<MediaBlock> for ToolResultContent {
    type Error = MediaBlock;

    fn try_from(block: MediaBlock) -> Result<Self, MediaBlock> {
        match block {
            MediaBlock::Image(block) => Ok(Self::Image(block)),
            MediaBlock::Document(block) => Ok(Self::Document(block)),
            MediaBlock::Video(block) => Ok(Self::Video(block)),
            MediaBlock::Audio(_) => Err(block),
        }
    }
}

impl<'a> Media<'a> {
    pub(crate) fn new(capabilities: &'a Capabilities, fetched: &'a RemoteFiles) -> Self {
        Self {
            capabilities,
            fetched,
            names: DocumentNames::default(),
        }
    }

    /// Translates a part.
    pub(crate) fn block(
        &mut self,
        mut part: MediaPart,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        if part.filename.is_none() && is_address(&part.address) && !is_data_url(&part.address) {
            part.filename = Some(filename_of_address(&part.address));
        }
        let (format, source) = match is_s3_uri(&part.address) {
            true => self.s3_object(&mut part)?,
            false => {
                if part.bucket_owner.is_some() {
                    adjustments.ignored(part.kind.any(MediaField::BucketOwner));
                }
                self.inline(&mut part)?
            }
        };
        self.check_supported(format.medium(), part.field(MediaField::Whole))?;
        note_other_format(&part, format, adjustments);
        self.finish(part, format, source, adjustments)
    }

    /// The format and source of a file in S3. The gateway does not read it, so the client declares
    /// its format.
    fn s3_object(&self, part: &mut MediaPart) -> Result<(Format, MediaSource), ApiError> {
        let field = part.field(part.address_field);
        if !self.capabilities.s3_sources {
            return Err(ApiError::unsupported_value(
                field,
                "this model does not read from S3; send the bytes as a data URL, \
                 `data:<media type>;base64,...`",
            ));
        }
        let owner = part.field(MediaField::BucketOwner);
        let uri = std::mem::take(&mut part.address);
        let location = s3_location(uri, part.bucket_owner.take(), field.clone(), owner)?;
        let format = declared_format(part.kind, &part.declared(None)).ok_or_else(|| {
            ApiError::invalid(
                field,
                format!(
                    "the format is not known from the key or from `format`; set `format` to one \
                     of {}",
                    part.kind.formats()
                ),
            )
        })?;
        Ok((format, MediaSource::S3Location(location)))
    }

    fn inline(&self, part: &mut MediaPart) -> Result<(Format, MediaSource), ApiError> {
        let address = std::mem::take(&mut part.address);
        let parameter = Parameter::from(part.field(part.address_field));
        let source_path = SourcePath {
            kind: part.kind,
            parameter: &parameter,
        };
        let opened = open(address, self.fetched, source_path)?;
        let declared = part.declared(opened.media_type.as_deref());
        let format = detect(part.kind, &opened.bytes, &declared).ok_or_else(|| {
            let or_text = match part.kind {
                PartKind::File => ", or UTF-8 text",
                _ => "",
            };
            let message = format!(
                "the format of the file, detected from its bytes, is not supported; supported \
                 formats: {}{or_text}",
                part.kind.formats()
            );
            ApiError::invalid(&parameter, message).code(part.kind.wrong_format_code())
        })?;
        check_size(format, &opened.bytes, &parameter)?;
        Ok((format, opened.into_source(format)))
    }

    fn check_supported(&self, medium: Medium, field: Field) -> Result<(), ApiError> {
        if self.capabilities.input.contains(&medium) {
            return Ok(());
        }
        let supported: String = self
            .capabilities
            .input
            .iter()
            .map(|medium| format!(", {}", plural(*medium)))
            .collect();
        Err(ApiError::unsupported_value(
            field,
            format!(
                "this model does not accept {}; it accepts text{supported}",
                plural(medium)
            ),
        ))
    }

    fn finish(
        &mut self,
        mut part: MediaPart,
        format: Format,
        source: MediaSource,
        adjustments: &mut Adjustments,
    ) -> Result<MediaBlock, ApiError> {
        if !matches!(format, Format::Document(_)) {
            for (field, is_set) in [
                (PartField::Citations, part.citations.is_some()),
                (PartField::Context, part.context.is_some()),
            ] {
                if is_set {
                    adjustments.ignored(Field::any_part(field));
                }
            }
        }
        let detail = part.detail.take();
        if !matches!(format, Format::Image(_)) && detail.as_deref().is_some_and(|d| d != "auto") {
            adjustments.ignored(part.kind.any(MediaField::Detail));
        }
        Ok(match format {
            Format::Image(format) => MediaBlock::Image(ImageBlock {
                format,
                source,
                detail,
            }),
            Format::Video(format) => MediaBlock::Video(VideoBlock { format, source }),
            Format::Audio(format) => MediaBlock::Audio(AudioBlock { format, source }),
            Format::Document(format) => {
                if self.names.count() >= MAX_DOCUMENTS {
                    return Err(ApiError::invalid(
                        part.field(MediaField::Whole),
                        format!(
                            "Bedrock accepts at most {MAX_DOCUMENTS} documents in a request; send \
                             fewer, or send their text"
                        ),
                    ));
                }
                MediaBlock::Document(DocumentBlock {
                    format,
                    name: self.names.name(part.filename.as_deref()),
                    source,
                    context: part.context,
                    citations: part.citations,
                })
            }
        })
    }
}

impl MediaPart {
    /// A part with only an address.
    pub(crate) fn new(
        kind: PartKind,
        position: PartPosition,
        address: String,
        address_field: MediaField,
    ) -> Self {
        Self {
            kind,
            position,
            address,
            address_field,
            filename: None,
            detail: None,
            format: None,
            bucket_owner: None,
            citations: None,
            context: None,
        }
    }

    /// A field of the part, for errors.
    fn field(&self, field: MediaField) -> Field {
        self.kind.at(self.position, field)
    }

    /// The client's declarations of the format; `media_type` is that of the data URL or download.
    fn declared(&self, media_type: Option<&str>) -> FormatHints {
        let extension = self.filename.as_deref().and_then(extension);
        FormatHints::new([self.format.as_deref(), extension.as_deref(), media_type])
    }
}

/// Notes a declared `format` that differs from the format of the bytes.
fn note_other_format(part: &MediaPart, format: Format, adjustments: &mut Adjustments) {
    let declared = FormatHints::new([part.format.as_deref(), None, None]);
    let expected = match format {
        Format::Audio(_) => declared.audio().map(Format::Audio),
        _ => declared.format(),
    };
    if expected.is_some_and(|expected| expected != format) {
        adjustments.note(
            part.kind.any(MediaField::Format),
            "ignored; the bytes have another format",
        );
    }
}

fn plural(medium: Medium) -> &'static str {
    match medium {
        Medium::Image => "images",
        Medium::Document => "documents",
        Medium::Video => "videos",
        Medium::Audio => "audio",
    }
}
