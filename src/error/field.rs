//! The fields of a request in the hub's terms. Adjustments and refusals name a [`Field`]; every
//! dialect renders it as a path of its own request.

use std::fmt;

/// A field of a model request.
///
/// The `Display` form is Converse's own name, for logs and for code that speaks for no dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The model.
    Model,
    /// The conversation.
    Messages,
    /// A message of the conversation, or a field of it.
    Message(Position, MessageField),
    /// The maximum number of output tokens.
    MaxTokens,
    /// The same limit, in the newer of the two fields that some dialects have for it.
    MaxCompletionTokens,
    /// The sampling temperature.
    Temperature,
    /// The probability mass to sample from.
    TopP,
    /// The number of most likely tokens to sample from.
    TopK,
    /// The stop sequences.
    StopSequences,
    /// The penalty for frequent tokens.
    FrequencyPenalty,
    /// The penalty for tokens that occurred.
    PresencePenalty,
    /// The number of responses to generate.
    Choices,
    /// The list of tools.
    Tools,
    /// A tool, or a field of it.
    Tool(Position, ToolField),
    /// The tool choice.
    ToolChoice(ToolChoiceField),
    /// The format of the response.
    ResponseFormat(FormatField),
    /// The verbosity of the response.
    Verbosity,
    /// The reasoning effort.
    ReasoningEffort,
    /// The thinking configuration.
    Thinking(ThinkingField),
    /// Web search.
    WebSearch,
    /// The cache breakpoints, wherever they are.
    CacheControl,
    /// The lifetimes of the cache breakpoints.
    CacheTtl,
    /// The policy of automatic prompt caching.
    CachePolicy(CachePolicyField),
    /// The guardrail.
    Guardrail(GuardrailField),
    /// The service tier.
    ServiceTier,
    /// The latency configuration.
    Performance,
    /// The latency mode within it.
    Latency,
    /// The client's metadata, or the entry of this name.
    Metadata(Option<String>),
    /// The labels of the Bedrock request.
    RequestMetadata,
    /// The provider-specific fields, or the one of this name.
    ProviderField(Option<String>),
    /// The paths of provider-specific response fields, or the one at this position.
    ResponsePath(Option<usize>),
    /// The variables of a stored prompt.
    PromptVariables,
    /// A field that chat-completions upstreams have by this name, and Converse has not.
    Upstream(&'static str),
    /// A part of the response.
    Output(OutputField),
}

/// The position of an element in a list of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Any element.
    Any,
    /// The element at this index.
    At(usize),
}

/// A content part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartPosition {
    /// The index of the message.
    pub message: usize,
    /// The index of the part.
    pub part: usize,
}

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageField {
    /// The message itself.
    Whole,
    /// Its role.
    Role,
    /// Its content.
    Content,
    /// A part of its content.
    Part(Position, PartField),
    /// A tool call.
    Call(Position, CallField),
    /// The id of the tool call whose result the message is.
    CallId,
    /// Reasoning as plain text.
    Reasoning,
    /// Signed reasoning.
    ThinkingBlocks,
}

/// A field of a content part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartField {
    /// The part itself.
    Whole,
    /// Its type.
    Type,
    /// Its text.
    Text,
    /// The text of a refusal.
    Refusal,
    /// Its file.
    Media(MediaKind, MediaField),
    /// Whether the response cites it.
    Citations,
    /// Context about it for the model.
    Context,
    /// Its cache breakpoint.
    Breakpoint(BreakpointField),
}

/// The medium of a content part, as the client declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// An image.
    Image,
    /// A file of any format.
    File,
    /// Audio.
    Audio,
    /// A video.
    Video,
}

/// A field of a file in a content part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaField {
    /// The file itself.
    Whole,
    /// Its bytes.
    Data,
    /// Its URL.
    Url,
    /// Its id, which may be a URL.
    Id,
    /// Its declared format.
    Format,
    /// The resolution at which the model sees it.
    Detail,
    /// The account that owns its bucket.
    BucketOwner,
}

/// A field of a cache breakpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakpointField {
    /// Its type.
    Type,
    /// Its mode.
    Mode,
    /// Its lifetime.
    Ttl,
}

/// The kind of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolKind {
    /// A function, whose input is an object.
    Function,
    /// A custom tool, whose input is text.
    Custom,
}

/// A field of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallField {
    /// Its id.
    Id,
    /// The name of the tool.
    Name(ToolKind),
    /// The arguments of a function.
    Arguments,
}

/// A field of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolField {
    /// The tool itself.
    Whole,
    /// Its type.
    Type,
    /// Its name.
    Name(ToolKind),
    /// The schema of its input.
    Schema,
    /// The root type of the schema.
    SchemaType,
    /// The references within the schema.
    SchemaReferences,
    /// Whether its input must match the schema.
    Strict,
    /// The format of a custom tool's input.
    Format,
}

/// A field of the tool choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolChoiceField {
    /// The choice itself.
    Whole,
    /// Its type.
    Type,
    /// The name of the chosen tool.
    Name(ToolKind),
    /// The restriction to some tools.
    Allowed,
    /// Whether one of them must be called.
    AllowedMode,
    /// The list of allowed tools.
    AllowedTools,
    /// An allowed tool.
    AllowedTool(usize),
    /// The name of an allowed tool.
    AllowedToolName(usize),
}

/// A field of the response format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatField {
    /// The format itself.
    Whole,
    /// Its type.
    Type,
    /// The object with the schema and its name.
    Definition,
    /// The name of the schema.
    Name,
    /// The schema.
    Schema,
}

/// A field of the thinking configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThinkingField {
    /// The configuration itself.
    Whole,
    /// Its type.
    Type,
    /// Its token budget.
    Budget,
    /// How thinking is displayed.
    Display,
}

/// A field of the policy of automatic prompt caching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CachePolicyField {
    /// Whether caching is automatic.
    Mode,
    /// The lifetime of a cached prefix.
    Ttl,
    /// The older form of the lifetime.
    Retention,
}

/// A field of the guardrail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardrailField {
    /// The guardrail itself.
    Whole,
    /// Its identifier.
    Identifier,
    /// Its version.
    Version,
    /// Whether the response includes its trace.
    Trace,
    /// How it checks streams.
    StreamMode,
    /// Whether it checks only the last turn.
    LastTurn,
}

/// A part of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputField {
    /// The generated messages.
    Messages,
    /// Their tool calls.
    ToolCalls,
    /// The counted input tokens.
    InputTokens,
}

impl Field {
    /// A field of the message at `index`.
    pub fn message(index: usize, field: MessageField) -> Self {
        Self::Message(Position::At(index), field)
    }

    /// A field of some message.
    pub fn any_message(field: MessageField) -> Self {
        Self::Message(Position::Any, field)
    }

    /// A field of some part of some message.
    pub fn any_part(field: PartField) -> Self {
        Self::any_message(MessageField::Part(Position::Any, field))
    }

    /// A field of the tool at `index`.
    pub fn tool(index: usize, field: ToolField) -> Self {
        Self::Tool(Position::At(index), field)
    }

    /// A field of some tool.
    pub fn any_tool(field: ToolField) -> Self {
        Self::Tool(Position::Any, field)
    }
}

impl PartPosition {
    /// A field of the part.
    pub fn field(self, field: PartField) -> Field {
        let position = Position::At(self.part);
        Field::message(self.message, MessageField::Part(position, field))
    }
}

/// `[]` or `[2]`, after the name of the list.
impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("[]"),
            Self::At(index) => write!(formatter, "[{index}]"),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Message(position, field) => {
                return write!(formatter, "messages{position}{field}");
            }
            Self::Tool(position, field) => {
                return write!(formatter, "toolConfig.tools{position}{}", field.suffix());
            }
            Self::Metadata(Some(key)) => return write!(formatter, "metadata.{key}"),
            Self::ProviderField(Some(key)) => {
                return write!(formatter, "additionalModelRequestFields.{key}");
            }
            Self::ResponsePath(Some(index)) => {
                return write!(formatter, "additionalModelResponseFieldPaths[{index}]");
            }
            Self::Model => "model",
            Self::Messages => "messages",
            Self::MaxTokens | Self::MaxCompletionTokens => "inferenceConfig.maxTokens",
            Self::Temperature => "inferenceConfig.temperature",
            Self::TopP => "inferenceConfig.topP",
            Self::StopSequences => "inferenceConfig.stopSequences",
            Self::TopK => "additionalModelRequestFields.top_k",
            Self::FrequencyPenalty => "additionalModelRequestFields.frequency_penalty",
            Self::PresencePenalty => "additionalModelRequestFields.presence_penalty",
            Self::Choices => "choices",
            Self::Tools => "toolConfig.tools",
            Self::ToolChoice(_) => "toolConfig.toolChoice",
            Self::ResponseFormat(_) => "outputConfig",
            Self::Verbosity => "verbosity",
            Self::ReasoningEffort | Self::Thinking(_) => "reasoning",
            Self::WebSearch => "toolConfig.tools[].systemTool",
            Self::CacheControl | Self::CachePolicy(_) => "cachePoint",
            Self::CacheTtl => "cachePoint.ttl",
            Self::Guardrail(_) => "guardrailConfig",
            Self::ServiceTier => "serviceTier",
            Self::Performance | Self::Latency => "performanceConfig",
            Self::Metadata(None) => "metadata",
            Self::RequestMetadata => "requestMetadata",
            Self::ProviderField(None) => "additionalModelRequestFields",
            Self::ResponsePath(None) => "additionalModelResponseFieldPaths",
            Self::PromptVariables => "promptVariables",
            Self::Upstream(name) => name,
            Self::Output(OutputField::Messages) => "output.message",
            Self::Output(OutputField::ToolCalls) => "output.message.content[].toolUse",
            Self::Output(OutputField::InputTokens) => "inputTokens",
        };
        formatter.write_str(name)
    }
}

/// The path within the message.
impl fmt::Display for MessageField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Part(position, _) => return write!(formatter, ".content{position}"),
            Self::Whole => "",
            Self::Role => ".role",
            Self::Content => ".content",
            Self::Call(_, CallField::Id) => ".content[].toolUse.toolUseId",
            Self::Call(_, CallField::Name(_)) => ".content[].toolUse.name",
            Self::Call(_, CallField::Arguments) => ".content[].toolUse.input",
            Self::CallId => ".content[].toolResult.toolUseId",
            Self::Reasoning | Self::ThinkingBlocks => ".content[].reasoningContent",
        };
        formatter.write_str(name)
    }
}

impl ToolField {
    fn suffix(self) -> &'static str {
        match self {
            Self::Whole | Self::Type => "",
            Self::Name(_) => ".toolSpec.name",
            Self::Schema | Self::SchemaType | Self::SchemaReferences | Self::Format => {
                ".toolSpec.inputSchema"
            }
            Self::Strict => ".toolSpec.strict",
        }
    }
}
