//! The paths of the hub's fields in a chat request.

use crate::error::{
    BreakpointField, CachePolicyField, CallField, Field, FieldNames, FormatField, GuardrailField,
    MediaField, MediaKind, MessageField, OutputField, PartField, ThinkingField, ToolChoiceField,
    ToolField, ToolKind,
};

/// The names of chat completions.
#[derive(Debug, Clone, Copy)]
pub struct ChatFieldNames;

impl FieldNames for ChatFieldNames {
    fn path(&self, field: &Field) -> String {
        let name = match field {
            Field::Message(position, field) => {
                return format!("messages{position}{}", within_message(*field));
            }
            Field::Tool(position, field) => {
                return format!("tools{position}{}", within_tool(*field));
            }
            Field::ToolChoice(field) => return tool_choice(*field),
            Field::Metadata(Some(key)) => return format!("metadata.{key}"),
            Field::ProviderField(Some(key)) => {
                return format!("additionalModelRequestFields.{key}");
            }
            Field::ResponsePath(Some(index)) => {
                return format!("additionalModelResponseFieldPaths[{index}]");
            }
            Field::Model => "model",
            Field::Messages => "messages",
            Field::MaxTokens => "max_tokens",
            Field::MaxCompletionTokens => "max_completion_tokens",
            Field::Temperature => "temperature",
            Field::TopP => "top_p",
            Field::TopK => "top_k",
            Field::StopSequences => "stop",
            Field::FrequencyPenalty => "frequency_penalty",
            Field::PresencePenalty => "presence_penalty",
            Field::Choices => "n",
            Field::Tools => "tools",
            Field::ResponseFormat(FormatField::Whole) => "response_format",
            Field::ResponseFormat(FormatField::Type) => "response_format.type",
            Field::ResponseFormat(FormatField::Definition) => "response_format.json_schema",
            Field::ResponseFormat(FormatField::Name) => "response_format.json_schema.name",
            Field::ResponseFormat(FormatField::Schema) => "response_format.json_schema.schema",
            Field::Verbosity => "verbosity",
            Field::ReasoningEffort => "reasoning_effort",
            Field::Thinking(ThinkingField::Whole) => "thinking",
            Field::Thinking(ThinkingField::Type) => "thinking.type",
            Field::Thinking(ThinkingField::Budget) => "thinking.budget_tokens",
            Field::Thinking(ThinkingField::Display) => "thinking.display",
            Field::WebSearch => "web_search_options",
            Field::CacheControl => "cache_control",
            Field::CacheTtl => "cache_control.ttl",
            Field::CachePolicy(CachePolicyField::Mode) => "prompt_cache_options.mode",
            Field::CachePolicy(CachePolicyField::Ttl) => "prompt_cache_options.ttl",
            Field::CachePolicy(CachePolicyField::Retention) => "prompt_cache_retention",
            Field::Guardrail(GuardrailField::Whole) => "guardrailConfig",
            Field::Guardrail(GuardrailField::Identifier) => "guardrailConfig.guardrailIdentifier",
            Field::Guardrail(GuardrailField::Version) => "guardrailConfig.guardrailVersion",
            Field::Guardrail(GuardrailField::Trace) => "guardrailConfig.trace",
            Field::Guardrail(GuardrailField::StreamMode) => "guardrailConfig.streamProcessingMode",
            Field::Guardrail(GuardrailField::LastTurn) => "guardrailConfig.onlyLastTurn",
            Field::ServiceTier => "service_tier",
            Field::Performance => "performanceConfig",
            Field::Latency => "performanceConfig.latency",
            Field::Metadata(None) => "metadata",
            Field::RequestMetadata => "requestMetadata",
            Field::ProviderField(None) => "additionalModelRequestFields",
            Field::ResponsePath(None) => "additionalModelResponseFieldPaths",
            Field::PromptVariables => "promptVariables",
            Field::Upstream(name) => name,
            Field::Output(OutputField::Messages) => "choices[].message",
            Field::Output(OutputField::ToolCalls) => "choices[].message.tool_calls",
            Field::Output(OutputField::InputTokens) => "input_tokens",
        };
        name.to_owned()
    }
}

fn within_message(field: MessageField) -> String {
    let name = match field {
        MessageField::Part(position, field) => {
            return format!(".content{position}{}", within_part(field));
        }
        MessageField::Call(position, field) => {
            let name = match field {
                CallField::Id => ".id",
                CallField::Name(ToolKind::Function) => ".function.name",
                CallField::Name(ToolKind::Custom) => ".custom.name",
                CallField::Arguments => ".function.arguments",
            };
            return format!(".tool_calls{position}{name}");
        }
        MessageField::Whole => "",
        MessageField::Role => ".role",
        MessageField::Content => ".content",
        MessageField::CallId => ".tool_call_id",
        MessageField::Reasoning => ".reasoning_content",
        MessageField::ThinkingBlocks => ".thinking_blocks",
    };
    name.to_owned()
}

fn within_part(field: PartField) -> String {
    let name = match field {
        PartField::Media(kind, field) => return format!(".{}", media(kind, field)),
        PartField::Whole => "",
        PartField::Type => ".type",
        PartField::Text => ".text",
        PartField::Refusal => ".refusal",
        PartField::Citations => ".citations",
        PartField::Context => ".context",
        PartField::Breakpoint(BreakpointField::Type) => ".prompt_cache_breakpoint.type",
        PartField::Breakpoint(BreakpointField::Mode) => ".prompt_cache_breakpoint.mode",
        PartField::Breakpoint(BreakpointField::Ttl) => ".prompt_cache_breakpoint.ttl",
    };
    name.to_owned()
}

/// The path of a file within its part.
fn media(kind: MediaKind, field: MediaField) -> String {
    let object = match kind {
        MediaKind::Image => "image_url",
        MediaKind::File => "file",
        MediaKind::Audio => "input_audio",
        MediaKind::Video => "video_url",
    };
    let name = match (kind, field) {
        (_, MediaField::Whole) => return object.to_owned(),
        (_, MediaField::Format) => "format",
        (_, MediaField::BucketOwner) => "bucket_owner",
        (MediaKind::Image, MediaField::Detail) => "detail",
        (MediaKind::File, MediaField::Data) => "file_data",
        (MediaKind::File, MediaField::Url) => "file_url",
        (MediaKind::File, MediaField::Id) => "file_id",
        (MediaKind::Audio, MediaField::Data | MediaField::Url | MediaField::Id) => "data",
        (
            MediaKind::Image | MediaKind::Video,
            MediaField::Data | MediaField::Url | MediaField::Id,
        ) => "url",
        // Only images have a resolution.
        (MediaKind::File | MediaKind::Audio | MediaKind::Video, MediaField::Detail) => {
            return object.to_owned();
        }
    };
    format!("{object}.{name}")
}

fn within_tool(field: ToolField) -> &'static str {
    match field {
        ToolField::Whole => "",
        ToolField::Type => ".type",
        ToolField::Name(ToolKind::Function) => ".function.name",
        ToolField::Name(ToolKind::Custom) => ".custom.name",
        ToolField::Schema => ".function.parameters",
        ToolField::SchemaType => ".function.parameters.type",
        ToolField::SchemaReferences => ".function.parameters.$ref",
        ToolField::Strict => ".function.strict",
        ToolField::Format => ".custom.format",
    }
}

fn tool_choice(field: ToolChoiceField) -> String {
    let name = match field {
        ToolChoiceField::AllowedTool(index) => {
            return format!("tool_choice.allowed_tools.tools[{index}]");
        }
        ToolChoiceField::AllowedToolName(index) => {
            return format!("tool_choice.allowed_tools.tools[{index}].function.name");
        }
        ToolChoiceField::Whole => "tool_choice",
        ToolChoiceField::Type => "tool_choice.type",
        ToolChoiceField::Name(ToolKind::Function) => "tool_choice.function.name",
        ToolChoiceField::Name(ToolKind::Custom) => "tool_choice.custom.name",
        ToolChoiceField::Allowed => "tool_choice.allowed_tools",
        ToolChoiceField::AllowedMode => "tool_choice.allowed_tools.mode",
        ToolChoiceField::AllowedTools => "tool_choice.allowed_tools.tools",
    };
    name.to_owned()
}
