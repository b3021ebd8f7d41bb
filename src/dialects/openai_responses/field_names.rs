//! The paths of the hub's fields in a Responses request. The positions of messages and tools are
//! those of the chat request that it was translated to.

use crate::dialects::openai_chat::ChatFieldNames;
use crate::error::{
    BreakpointField, CallField, Field, FieldNames, FormatField, MediaField, MediaKind,
    MessageField, OutputField, PartField, Position, ToolChoiceField, ToolField,
};

/// The sources of the chat request's messages and tools.
#[derive(Debug, Clone, Default)]
pub struct ResponsesFieldNames {
    messages: Vec<MessageSource>,
    tools: Vec<usize>,
}

/// The source of one message.
#[derive(Debug, Clone)]
pub(super) enum MessageSource {
    /// `instructions`
    Instructions,
    /// An `input` string.
    Text,
    /// The item at this index, and the items with the tool calls of the same message.
    Item(usize, Vec<usize>),
    /// The item at this index, which is a tool result.
    Result(usize),
}

impl ResponsesFieldNames {
    pub(super) fn new(messages: Vec<MessageSource>) -> Self {
        Self {
            messages,
            tools: Vec::new(),
        }
    }

    /// Records that the next tool has the index `position` in the client's request.
    pub(super) fn tool(&mut self, position: usize) {
        self.tools.push(position);
    }

    fn message(&self, position: Position, field: MessageField) -> String {
        let Position::At(index) = position else {
            return format!("input[]{}", within_item(field));
        };
        match self.messages.get(index) {
            Some(MessageSource::Instructions) => "instructions".to_owned(),
            Some(MessageSource::Text) | None => "input".to_owned(),
            Some(MessageSource::Item(item, calls)) => {
                let item = match field {
                    MessageField::Call(Position::At(call), _) => calls.get(call).unwrap_or(item),
                    _ => item,
                };
                format!("input[{item}]{}", within_item(field))
            }
            Some(MessageSource::Result(item)) => {
                let within = match field {
                    MessageField::Content => ".output".to_owned(),
                    MessageField::Part(position, field) => {
                        format!(".output{position}{}", within_part(field))
                    }
                    field => within_item(field),
                };
                format!("input[{item}]{within}")
            }
        }
    }

    /// The position of a tool in the client's request.
    fn position_of_tool(&self, position: Position) -> Position {
        match position {
            Position::At(index) => self
                .tools
                .get(index)
                .map_or(Position::Any, |tool| Position::At(*tool)),
            Position::Any => Position::Any,
        }
    }
}

impl FieldNames for ResponsesFieldNames {
    fn path(&self, field: &Field) -> String {
        let name = match field {
            Field::Message(position, field) => return self.message(*position, *field),
            Field::Tool(position, field) => {
                let position = self.position_of_tool(*position);
                return format!("tools{position}{}", within_tool(*field));
            }
            Field::ToolChoice(field) => return tool_choice(*field),
            // The operator allows fields of this name at the top level.
            Field::ProviderField(Some(key)) => return key.clone(),
            Field::Messages => "input",
            Field::MaxTokens | Field::MaxCompletionTokens => "max_output_tokens",
            Field::ResponseFormat(FormatField::Whole | FormatField::Definition) => "text.format",
            Field::ResponseFormat(FormatField::Type) => "text.format.type",
            Field::ResponseFormat(FormatField::Name) => "text.format.name",
            Field::ResponseFormat(FormatField::Schema) => "text.format.schema",
            Field::Verbosity => "text.verbosity",
            Field::PromptVariables => "prompt.variables",
            Field::ReasoningEffort => "reasoning.effort",
            Field::Thinking(_) => "reasoning",
            Field::WebSearch => "tools",
            Field::CacheControl => "input[].content[].prompt_cache_breakpoint",
            Field::CacheTtl => "input[].content[].prompt_cache_breakpoint.ttl",
            Field::Output(OutputField::Messages | OutputField::ToolCalls) => "output[]",
            // The same in chat, or set by a header of the gateway.
            Field::Model
            | Field::Temperature
            | Field::TopP
            | Field::TopK
            | Field::StopSequences
            | Field::FrequencyPenalty
            | Field::PresencePenalty
            | Field::Choices
            | Field::Tools
            | Field::CachePolicy(_)
            | Field::Guardrail(_)
            | Field::ServiceTier
            | Field::Performance
            | Field::Latency
            | Field::Metadata(_)
            | Field::RequestMetadata
            | Field::ProviderField(None)
            | Field::ResponsePath(_)
            | Field::Upstream(_)
            | Field::Output(OutputField::InputTokens) => return ChatFieldNames.path(field),
        };
        name.to_owned()
    }
}

fn within_item(field: MessageField) -> String {
    let name = match field {
        MessageField::Part(position, field) => {
            return format!(".content{position}{}", within_part(field));
        }
        MessageField::Whole => "",
        MessageField::Role => ".role",
        MessageField::Content | MessageField::Reasoning | MessageField::ThinkingBlocks => {
            ".content"
        }
        MessageField::Call(_, CallField::Id) | MessageField::CallId => ".call_id",
        MessageField::Call(_, CallField::Name(_)) => ".name",
        MessageField::Call(_, CallField::Arguments) => ".arguments",
    };
    name.to_owned()
}

fn within_part(field: PartField) -> &'static str {
    match field {
        // Responses requests have no options of documents.
        PartField::Whole | PartField::Citations | PartField::Context => "",
        PartField::Type => ".type",
        PartField::Text => ".text",
        PartField::Refusal => ".refusal",
        PartField::Breakpoint(BreakpointField::Type) => ".prompt_cache_breakpoint.type",
        PartField::Breakpoint(BreakpointField::Mode) => ".prompt_cache_breakpoint.mode",
        PartField::Breakpoint(BreakpointField::Ttl) => ".prompt_cache_breakpoint.ttl",
        PartField::Media(MediaKind::Image, field) => match field {
            MediaField::Detail => ".detail",
            MediaField::Format | MediaField::BucketOwner => "",
            MediaField::Whole | MediaField::Data | MediaField::Url | MediaField::Id => ".image_url",
        },
        PartField::Media(MediaKind::File, field) => match field {
            MediaField::Data => ".file_data",
            MediaField::Url => ".file_url",
            MediaField::Id => ".file_id",
            MediaField::Whole
            | MediaField::Format
            | MediaField::Detail
            | MediaField::BucketOwner => "",
        },
        PartField::Media(MediaKind::Audio, field) => match field {
            MediaField::Data | MediaField::Url | MediaField::Id => ".input_audio.data",
            MediaField::Format => ".input_audio.format",
            MediaField::BucketOwner => ".input_audio.bucket_owner",
            MediaField::Whole | MediaField::Detail => ".input_audio",
        },
        // Responses requests have no videos.
        PartField::Media(MediaKind::Video, _) => "",
    }
}

fn within_tool(field: ToolField) -> &'static str {
    match field {
        ToolField::Whole => "",
        ToolField::Type => ".type",
        ToolField::Name(_) => ".name",
        ToolField::Schema => ".parameters",
        ToolField::SchemaType => ".parameters.type",
        ToolField::SchemaReferences => ".parameters.$ref",
        ToolField::Strict => ".strict",
        ToolField::Format => ".format",
    }
}

fn tool_choice(field: ToolChoiceField) -> String {
    let name = match field {
        ToolChoiceField::AllowedTool(index) => return format!("tool_choice.tools[{index}]"),
        ToolChoiceField::AllowedToolName(index) => {
            return format!("tool_choice.tools[{index}].name");
        }
        ToolChoiceField::Whole => "tool_choice",
        ToolChoiceField::Type => "tool_choice.type",
        ToolChoiceField::Name(_) => "tool_choice.name",
        ToolChoiceField::AllowedMode => "tool_choice.mode",
        ToolChoiceField::Allowed | ToolChoiceField::AllowedTools => "tool_choice.tools",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{PartPosition, ToolKind};

    #[test]
    fn positions_are_those_of_the_clients_items() {
        let mut names = ResponsesFieldNames::new(vec![
            MessageSource::Instructions,
            MessageSource::Item(0, Vec::new()),
            MessageSource::Item(2, vec![3, 4]),
            MessageSource::Result(5),
        ]);
        names.tool(1);
        let part = |message, part, field| PartPosition { message, part }.field(field);
        let media = |kind, field| PartField::Media(kind, field);
        let call = |field| MessageField::Call(Position::At(1), field);
        for (field, path) in [
            (Field::message(0, MessageField::Content), "instructions"),
            (
                part(1, 2, media(MediaKind::Image, MediaField::Url)),
                "input[0].content[2].image_url",
            ),
            (
                part(1, 0, media(MediaKind::File, MediaField::Data)),
                "input[0].content[0].file_data",
            ),
            (Field::message(2, MessageField::Content), "input[2].content"),
            (
                Field::message(2, call(CallField::Name(ToolKind::Function))),
                "input[4].name",
            ),
            (Field::message(2, call(CallField::Id)), "input[4].call_id"),
            (
                part(3, 0, media(MediaKind::Image, MediaField::Url)),
                "input[5].output[0].image_url",
            ),
            (Field::message(3, MessageField::CallId), "input[5].call_id"),
            (Field::tool(0, ToolField::Schema), "tools[1].parameters"),
            (Field::any_tool(ToolField::Strict), "tools[].strict"),
            (Field::any_message(MessageField::Role), "input[].role"),
        ] {
            assert_eq!(names.path(&field), path, "{field:?}");
        }
    }
}
