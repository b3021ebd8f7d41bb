//! The content parts of user and tool messages.

use super::content::Content;
use super::conversation::{ConversationReader, part_path, unknown_part};
use super::media::{SearchResultFields, citations_config, search_result};
use super::types::ContentPart;
use crate::converse::JsonText;
use crate::converse::content::{
    CachePoint, ContentBlock, GuardBlock, GuardText, SearchResultBlock, ToolResultBlock,
    ToolResultContent, ToolResultStatus,
};
use crate::converse::media::MediaBlock;
use crate::converse::request::Role;
use crate::converse::rules::tools::bedrock_call_id;
use crate::error::{ApiError, Field, MediaField, MediaKind, MessageField, PartField, PartPosition};

/// A translated part, which becomes a block of a message or of a tool result.
enum PartContent {
    Text(String),
    Guarded(GuardText),
    Media(MediaBlock),
    SearchResult(SearchResultBlock),
}

impl ConversationReader<'_> {
    /// The block of a user message's part, and the cache point after it.
    pub(super) fn user_part(
        &mut self,
        part: ContentPart,
        position: PartPosition,
    ) -> Result<(ContentBlock, Option<CachePoint>), ApiError> {
        let (part, point) = self.part(part, position)?;
        let block = match part {
            PartContent::Text(text) => ContentBlock::Text(text),
            PartContent::Guarded(text) => ContentBlock::GuardContent(GuardBlock::Text(text)),
            PartContent::Media(media) => media.into(),
            PartContent::SearchResult(result) => ContentBlock::SearchResult(result),
        };
        Ok((block, point))
    }

    /// A `guarded_text` part. With one, Bedrock's guardrail checks only such parts. With the
    /// operator's guardrail it becomes plain text, so that the rest of the conversation is checked
    /// too.
    fn guarded(&mut self, text: String, qualifiers: Vec<String>) -> PartContent {
        if self.context.options.guardrail.is_none() {
            return PartContent::Guarded(GuardText { text, qualifiers });
        }
        let note = "sent as plain text; the operator's guardrail checks the other parts too";
        self.adjustments
            .note("messages[].content[].guarded_text", note);
        PartContent::Text(text)
    }

    fn part(
        &mut self,
        mut part: ContentPart,
        position: PartPosition,
    ) -> Result<(PartContent, Option<CachePoint>), ApiError> {
        let point = self.part_cache_point(&mut part, position)?;
        let ContentPart {
            kind,
            text,
            refusal: _,
            image_url,
            input_audio,
            file,
            video_url,
            source,
            title,
            content,
            citations,
            context,
            qualifiers,
            cache_control: _,
            prompt_cache_breakpoint: _,
            unknown,
        } = part;
        self.note_unknown(&unknown, "messages[].content[]");
        let missing = |field| ApiError::missing_value(position.field(field));
        let no_media = |kind| missing(PartField::Media(kind, MediaField::Whole));
        let part = match kind.as_deref() {
            Some("text") => PartContent::Text(text.ok_or_else(|| missing(PartField::Text))?),
            Some("guarded_text") => {
                let text = text.ok_or_else(|| missing(PartField::Text))?;
                self.guarded(text, qualifiers.unwrap_or_default())
            }
            Some("image_url") => {
                let image_url = image_url.ok_or_else(|| no_media(MediaKind::Image))?;
                PartContent::Media(
                    self.media
                        .image_url(*image_url, position, self.adjustments)?,
                )
            }
            Some("input_audio") => {
                let audio = input_audio.ok_or_else(|| no_media(MediaKind::Audio))?;
                PartContent::Media(self.media.input_audio(*audio, position, self.adjustments)?)
            }
            Some("video_url") => {
                let video_url = video_url.ok_or_else(|| no_media(MediaKind::Video))?;
                PartContent::Media(
                    self.media
                        .video_url(*video_url, position, self.adjustments)?,
                )
            }
            Some("file") => {
                let file = file.ok_or_else(|| no_media(MediaKind::File))?;
                let citations = citations_config(citations, self.adjustments);
                let block =
                    self.media
                        .file(*file, citations, context, position, self.adjustments)?;
                PartContent::Media(block)
            }
            Some("search_result") => {
                let fields = SearchResultFields {
                    source,
                    title,
                    content,
                    citations,
                };
                let path = part_path(position);
                PartContent::SearchResult(search_result(fields, &path, self.adjustments)?)
            }
            other => {
                let supported = "`text`, `image_url`, `file`, `input_audio` or `video_url`";
                return Err(unknown_part(position, other, supported));
            }
        };
        self.check_bucket(&part, position)?;
        Ok((part, point))
    }

    /// Checks the bucket of a file in S3 against the operator's list: Bedrock reads the file with
    /// the gateway's permissions.
    fn check_bucket(&self, part: &PartContent, position: PartPosition) -> Result<(), ApiError> {
        let PartContent::Media(media) = part else {
            return Ok(());
        };
        let bucket = media.s3_location().and_then(|location| {
            let rest = location.uri.strip_prefix("s3://")?;
            rest.split('/').next()
        });
        match bucket {
            Some(bucket) if !self.context.options.s3_buckets.allows(bucket) => {
                Err(ApiError::unsupported_value(
                    position.field(PartField::Whole),
                    format!(
                        "the operator of this gateway does not allow reading from \
                         `s3://{bucket}`; send the bytes as a data URL"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Translates a message with role `tool`.
    pub(super) fn tool(
        &mut self,
        content: Option<Content>,
        tool_call_id: Option<String>,
        is_error: bool,
        index: usize,
    ) -> Result<(), ApiError> {
        let no_id = || ApiError::missing_value(Field::message(index, MessageField::CallId));
        let id = tool_call_id.ok_or_else(no_id)?;
        self.tool_result(bedrock_call_id(&id), content, is_error, index)
    }

    /// Translates a message with role `function`, the legacy form of `tool`.
    pub(super) fn function(
        &mut self,
        content: Option<Content>,
        name: Option<String>,
        index: usize,
    ) -> Result<(), ApiError> {
        let name =
            name.ok_or_else(|| ApiError::missing_value(format!("messages[{index}].name")))?;
        let open = self.open_function_calls.get_mut(&name);
        let Some(id) = open.and_then(Vec::pop) else {
            return Err(ApiError::invalid(
                format!("messages[{index}].name"),
                format!(
                    "no earlier `function_call` of `{name}` is without a result; put the result \
                     after its call, or remove it"
                ),
            ));
        };
        self.tool_result(id, content, false, index)
    }

    /// Adds the result of a tool call.
    pub(in crate::dialects) fn tool_result(
        &mut self,
        tool_use_id: String,
        content: Option<Content>,
        is_error: bool,
        index: usize,
    ) -> Result<(), ApiError> {
        let parts = match content {
            None => Vec::new(),
            Some(Content::Text(text)) => vec![(PartContent::Text(text), None)],
            Some(Content::Parts(parts)) => {
                let mut translated = Vec::with_capacity(parts.len());
                for (position, part) in parts.into_iter().enumerate() {
                    let position = PartPosition {
                        message: index,
                        part: position,
                    };
                    translated.push(self.part(*part, position)?);
                }
                translated
            }
        };
        let mut content = Vec::with_capacity(parts.len().max(1));
        let mut point = None;
        for (part, part_point) in parts {
            point = part_point.or(point);
            match part {
                PartContent::Text(text) | PartContent::Guarded(GuardText { text, .. }) => {
                    if !text.trim().is_empty() {
                        content.push(self.result_text(text));
                    }
                }
                PartContent::Media(media) => content.push(media.try_into().map_err(|_| {
                    ApiError::unsupported_value(
                        Field::message(index, MessageField::Whole),
                        "tool results cannot contain audio; send it in a user message",
                    )
                })?),
                PartContent::SearchResult(result) => {
                    content.push(ToolResultContent::SearchResult(result))
                }
            }
        }
        if content.is_empty() {
            content.push(ToolResultContent::no_output());
        }
        let status = self.status(is_error, &mut content);
        let mut blocks = vec![ContentBlock::ToolResult(ToolResultBlock {
            tool_use_id,
            content,
            status,
        })];
        blocks.extend(point.map(ContentBlock::CachePoint));
        self.push(Role::User, blocks);
        Ok(())
    }

    /// The status of a failed tool call. Models that do not support the status get a text instead.
    fn status(
        &mut self,
        is_error: bool,
        content: &mut Vec<ToolResultContent>,
    ) -> Option<ToolResultStatus> {
        if !is_error {
            return None;
        }
        if self.context.capabilities.tool_result_status {
            return Some(ToolResultStatus::Error);
        }
        content.insert(0, ToolResultContent::Text("The tool failed:".to_owned()));
        self.adjustments.note("messages[].is_error", "sent as text");
        None
    }

    fn result_text(&self, text: String) -> ToolResultContent {
        if self.context.capabilities.tool_result_json {
            let object = JsonText::parse(text.clone()).ok();
            if let Some(object) = object.filter(JsonText::is_object) {
                return ToolResultContent::Json(object);
            }
        }
        ToolResultContent::Text(text)
    }
}
