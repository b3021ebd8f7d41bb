//! Every field of the hub, once for each variant and kind of position.

use outcrop::error::{
    BreakpointField, CachePolicyField, CallField, Field, FormatField, GuardrailField, MediaField,
    MediaKind, MessageField, OutputField, PartField, Position, ThinkingField, ToolChoiceField,
    ToolField, ToolKind,
};

const KINDS: [ToolKind; 2] = [ToolKind::Function, ToolKind::Custom];

/// All fields. The element of a list is any, or that at `index`.
pub fn all_fields(index: usize) -> Vec<Field> {
    let positions = [Position::Any, Position::At(index)];
    let mut fields = vec![
        Field::Model,
        Field::Messages,
        Field::MaxTokens,
        Field::MaxCompletionTokens,
        Field::Temperature,
        Field::TopP,
        Field::TopK,
        Field::StopSequences,
        Field::FrequencyPenalty,
        Field::PresencePenalty,
        Field::Choices,
        Field::Tools,
        Field::Verbosity,
        Field::ReasoningEffort,
        Field::WebSearch,
        Field::CacheControl,
        Field::CacheTtl,
        Field::ServiceTier,
        Field::Performance,
        Field::Latency,
        Field::Metadata(None),
        Field::Metadata(Some("key".to_owned())),
        Field::RequestMetadata,
        Field::ProviderField(None),
        Field::ProviderField(Some("key".to_owned())),
        Field::ResponsePath(None),
        Field::ResponsePath(Some(0)),
    ];
    for position in positions {
        let in_message = |field| Field::Message(position, field);
        fields.extend(messages(index).into_iter().map(in_message));
        let in_tool = |field| Field::Tool(position, field);
        fields.extend(tools().into_iter().map(in_tool));
    }
    fields.extend(tool_choices().into_iter().map(Field::ToolChoice));
    fields.extend(
        [
            FormatField::Whole,
            FormatField::Type,
            FormatField::Definition,
            FormatField::Name,
            FormatField::Schema,
        ]
        .map(Field::ResponseFormat),
    );
    fields.extend(
        [
            ThinkingField::Whole,
            ThinkingField::Type,
            ThinkingField::Budget,
            ThinkingField::Display,
        ]
        .map(Field::Thinking),
    );
    fields.extend(
        [
            CachePolicyField::Mode,
            CachePolicyField::Ttl,
            CachePolicyField::Retention,
        ]
        .map(Field::CachePolicy),
    );
    fields.extend(
        [
            GuardrailField::Whole,
            GuardrailField::Identifier,
            GuardrailField::Version,
            GuardrailField::Trace,
            GuardrailField::StreamMode,
            GuardrailField::LastTurn,
        ]
        .map(Field::Guardrail),
    );
    fields.extend(
        [
            OutputField::Messages,
            OutputField::ToolCalls,
            OutputField::InputTokens,
        ]
        .map(Field::Output),
    );
    fields
}

fn messages(index: usize) -> Vec<MessageField> {
    let mut fields = vec![
        MessageField::Whole,
        MessageField::Role,
        MessageField::Content,
        MessageField::CallId,
        MessageField::Reasoning,
        MessageField::ThinkingBlocks,
    ];
    for position in [Position::Any, Position::At(index)] {
        let calls = [CallField::Id, CallField::Arguments];
        let calls = calls.into_iter().chain(KINDS.map(CallField::Name));
        fields.extend(calls.map(|field| MessageField::Call(position, field)));
        let part = |field| MessageField::Part(position, field);
        fields.extend(parts().into_iter().map(part));
    }
    fields
}

fn parts() -> Vec<PartField> {
    let mut fields = vec![
        PartField::Whole,
        PartField::Type,
        PartField::Text,
        PartField::Refusal,
    ];
    fields.extend(
        [
            BreakpointField::Type,
            BreakpointField::Mode,
            BreakpointField::Ttl,
        ]
        .map(PartField::Breakpoint),
    );
    for kind in [
        MediaKind::Image,
        MediaKind::File,
        MediaKind::Audio,
        MediaKind::Video,
    ] {
        let of_file = [
            MediaField::Whole,
            MediaField::Data,
            MediaField::Url,
            MediaField::Id,
            MediaField::Format,
            MediaField::Detail,
            MediaField::BucketOwner,
        ];
        fields.extend(of_file.map(|field| PartField::Media(kind, field)));
    }
    fields
}

fn tools() -> Vec<ToolField> {
    let fields = [
        ToolField::Whole,
        ToolField::Type,
        ToolField::Schema,
        ToolField::SchemaType,
        ToolField::SchemaReferences,
        ToolField::Strict,
        ToolField::Format,
    ];
    fields
        .into_iter()
        .chain(KINDS.map(ToolField::Name))
        .collect()
}

fn tool_choices() -> Vec<ToolChoiceField> {
    let fields = [
        ToolChoiceField::Whole,
        ToolChoiceField::Type,
        ToolChoiceField::Allowed,
        ToolChoiceField::AllowedMode,
        ToolChoiceField::AllowedTools,
        ToolChoiceField::AllowedTool(0),
        ToolChoiceField::AllowedToolName(0),
    ];
    fields
        .into_iter()
        .chain(KINDS.map(ToolChoiceField::Name))
        .collect()
}
