//! The paths of the hub's fields in a Responses request.

use super::request::is_result;
use super::request::types::ResponsesRequest;
use crate::dialects::openai_chat::ChatFieldNames;
use crate::error::{
    BreakpointField, CallField, Field, FieldNames, FormatField, MediaField, MediaKind,
    MessageField, OutputField, PartField, Position, ToolChoiceField, ToolField,
};

/// The names of the Responses API. A message of the hub is the item at its index, after the items of
/// the previous response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponsesFieldNames {
    /// The number of items of the previous response and those before it.
    earlier: usize,
    /// The indices of the items that are tool results, in order.
    results: Vec<usize>,
}

impl ResponsesFieldNames {
    /// The names of the fields of `request`.
    pub fn of(request: &ResponsesRequest) -> Self {
        let items = request.items().unwrap_or_default();
        let items = items.iter().enumerate();
        let results = items.filter(|(_, item)| is_result(item.kind.as_deref()));
        Self {
            results: results.map(|(index, _)| index).collect(),
            earlier: 0,
        }
    }

    /// The names for a request whose first `earlier` items are not its own.
    #[must_use]
    pub fn after(self, earlier: usize) -> Self {
        Self { earlier, ..self }
    }

    /// The path of the item at `index`.
    pub fn item(&self, index: usize) -> String {
        match index.checked_sub(self.earlier) {
            Some(index) => format!("input[{index}]"),
            None => format!("previous_response_id.items[{index}]"),
        }
    }

    fn message(&self, position: Position, field: MessageField) -> String {
        let is_result = match position {
            Position::At(index) => self.results.binary_search(&index).is_ok(),
            Position::Any => false,
        };
        let within = match field {
            MessageField::Content if is_result => ".output".to_owned(),
            MessageField::Part(part, field) if is_result => {
                format!(".output{part}{}", within_part(field))
            }
            field => within_item(field),
        };
        match position {
            Position::At(index) => format!("{}{within}", self.item(index)),
            Position::Any => format!("input{position}{within}"),
        }
    }
}

impl FieldNames for ResponsesFieldNames {
    fn path(&self, field: &Field) -> String {
        let name = match field {
            Field::Message(position, field) => return self.message(*position, *field),
            Field::Tool(position, field) => {
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
        let request = r#"{"input": [{"role": "user"}, {"type": "function_call"},
            {"type": "function_call_output"}]}"#;
        let names = ResponsesFieldNames::of(&serde_json::from_str(request).expect("a request"));
        let part = |message, part, field| PartPosition { message, part }.field(field);
        let media = |kind, field| PartField::Media(kind, field);
        let call = |field| MessageField::Call(Position::Any, field);
        for (field, path) in [
            (
                part(0, 2, media(MediaKind::Image, MediaField::Url)),
                "input[0].content[2].image_url",
            ),
            (
                part(0, 0, media(MediaKind::File, MediaField::Data)),
                "input[0].content[0].file_data",
            ),
            (Field::message(0, MessageField::Content), "input[0].content"),
            (
                Field::message(1, call(CallField::Name(ToolKind::Function))),
                "input[1].name",
            ),
            (Field::message(1, call(CallField::Id)), "input[1].call_id"),
            (
                part(2, 0, media(MediaKind::Image, MediaField::Url)),
                "input[2].output[0].image_url",
            ),
            (Field::message(2, MessageField::CallId), "input[2].call_id"),
            (Field::any_tool(ToolField::Strict), "tools[].strict"),
            (Field::any_message(MessageField::Role), "input[].role"),
        ] {
            assert_eq!(names.path(&field), path, "{field:?}");
        }
        let names = names.after(2);
        let path = |index| names.path(&Field::message(index, MessageField::Content));
        assert_eq!(path(0), "previous_response_id.items[0].content");
        assert_eq!(path(2), "input[0].output");
    }
}
