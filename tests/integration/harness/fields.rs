//! Every field of the hub, once for each variant and kind of position.

use outcrop::error::{
    BreakpointField, CachePolicyField, CallField, Field, FormatField, GuardrailField, MediaField,
    MediaKind, MessageField, OutputField, PartField, Position, ThinkingField, ToolChoiceField,
    ToolField, ToolKind,
};

/// All values of an enum, given those of its variants' members. Does not compile if a variant is
/// missing.
macro_rules! all {
    ($name:ident { $( $variant:ident $( ( $first:expr $( , $second:expr )? ) )? ),+ $(,)? }) => {{
        let _exhaustive = |value: &$name| match value {
            $( $name::$variant { .. } => {} )+
        };
        [ $( all!(@variant $name $variant $( ( $first $( , $second )? ) )?) ),+ ].concat()
    }};
    (@variant $name:ident $variant:ident) => {
        vec![$name::$variant]
    };
    (@variant $name:ident $variant:ident ($first:expr)) => {
        $first.into_iter().map($name::$variant).collect()
    };
    (@variant $name:ident $variant:ident ($first:expr, $second:expr)) => {
        $first
            .into_iter()
            .flat_map(|first| $second.into_iter().map(move |second| $name::$variant(first, second)))
            .collect()
    };
}

/// All fields. The element of a list is any, or that at `index`.
pub fn all_fields(index: usize) -> Vec<Field> {
    let positions = [Position::Any, Position::At(index)];
    let key = || [None, Some("key".to_owned())];
    all!(Field {
        Model,
        Messages,
        Message(positions, messages(index)),
        MaxTokens,
        MaxCompletionTokens,
        Temperature,
        TopP,
        TopK,
        StopSequences,
        FrequencyPenalty,
        PresencePenalty,
        Choices,
        Tools,
        Tool(positions, tools()),
        ToolChoice(tool_choices()),
        ResponseFormat(all!(FormatField {
            Whole,
            Type,
            Definition,
            Name,
            Schema,
        })),
        Verbosity,
        ReasoningEffort,
        Thinking(all!(ThinkingField {
            Whole,
            Type,
            Budget,
            Display,
        })),
        WebSearch,
        CacheControl,
        CacheTtl,
        CachePolicy(all!(CachePolicyField {
            Mode,
            Ttl,
            Retention,
        })),
        Guardrail(all!(GuardrailField {
            Whole,
            Identifier,
            Version,
            Trace,
            StreamMode,
            LastTurn,
        })),
        ServiceTier,
        Performance,
        Latency,
        Metadata(key()),
        RequestMetadata,
        ProviderField(key()),
        ResponsePath([None, Some(0)]),
        PromptVariables,
        Upstream(["user"]),
        Output(all!(OutputField {
            Messages,
            ToolCalls,
            InputTokens,
        })),
    })
}

fn messages(index: usize) -> Vec<MessageField> {
    let positions = [Position::Any, Position::At(index)];
    let calls = all!(CallField {
        Id,
        Name(kinds()),
        Arguments,
    });
    all!(MessageField {
        Whole,
        Role,
        Content,
        Part(positions, parts()),
        Call(positions, calls.clone()),
        CallId,
        Reasoning,
        ThinkingBlocks,
    })
}

fn parts() -> Vec<PartField> {
    let media = all!(MediaKind {
        Image,
        File,
        Audio,
        Video,
    });
    let of_file = all!(MediaField {
        Whole,
        Data,
        Url,
        Id,
        Format,
        Detail,
        BucketOwner,
    });
    all!(PartField {
        Whole,
        Type,
        Text,
        Refusal,
        Media(media, of_file.clone()),
        Citations,
        Context,
        Breakpoint(all!(BreakpointField {
            Type,
            Mode,
            Ttl,
        })),
    })
}

fn kinds() -> Vec<ToolKind> {
    all!(ToolKind { Function, Custom })
}

fn tools() -> Vec<ToolField> {
    all!(ToolField {
        Whole,
        Type,
        Name(kinds()),
        Schema,
        SchemaType,
        SchemaReferences,
        Strict,
        Format,
    })
}

fn tool_choices() -> Vec<ToolChoiceField> {
    all!(ToolChoiceField {
        Whole,
        Type,
        Name(kinds()),
        Allowed,
        AllowedMode,
        AllowedTools,
        AllowedTool([0]),
        AllowedToolName([0]),
    })
}
