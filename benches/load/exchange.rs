use bytes::Bytes;
use serde_json::{Value, json};

/// The requested model; the simulated Bedrock responds without delay.
pub(crate) const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// API key of the gateway.
pub(crate) const API_KEY: &str = "sk-bench-0001";

/// The gateway's path.
const CHAT: &str = "/v1/chat/completions";

const INSTRUCTION: &str = "You are a patient guide to the mountains. Answer in a few sentences, \
                           and name the sources of what you say.";

const PROMPT: &str = "Where two layers of rock meet at a slope, which of them is the older one, \
                        and how would a hiker without any tools find that out on the spot?";

/// The server that a request is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestRoute {
    /// The simulated Bedrock.
    Direct,
    /// The baseline proxy.
    Floor,
    Gateway,
    /// The other gateway of `--against`.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResponseMode {
    /// One JSON object with a text of 600 bytes.
    NonStreaming,
    /// The same text as a stream of 50 deltas.
    Stream,
}

/// A request that is sent repeatedly.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) path: String,
    pub(crate) body: Bytes,
    pub(crate) key: String,
}

impl Exchange {
    /// A non-streaming request for this model with this key of the gateway.
    pub(crate) fn of(model: &str, key: &str) -> Self {
        Self {
            path: CHAT.to_owned(),
            body: chat(model, ResponseMode::NonStreaming).to_string().into(),
            key: key.to_owned(),
        }
    }
}

impl RequestRoute {
    pub(crate) const ALL: [Self; 4] = [Self::Direct, Self::Floor, Self::Gateway, Self::Other];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Floor => "floor",
            Self::Gateway => "gateway",
            Self::Other => "other",
        }
    }

    /// The request for this server and response mode: OpenAI's format for the gateway, the
    /// resulting Converse request for the others.
    pub(crate) fn exchange(self, mode: ResponseMode) -> Exchange {
        let (path, body) = match self {
            Self::Direct => (mode.bedrock_path(), converse()),
            Self::Floor => (mode.floor_path().to_owned(), converse()),
            Self::Gateway | Self::Other => (CHAT.to_owned(), chat(MODEL, mode)),
        };
        Exchange {
            path,
            body: body.to_string().into(),
            key: API_KEY.to_owned(),
        }
    }
}

impl ResponseMode {
    pub(crate) const ALL: [Self; 2] = [Self::NonStreaming, Self::Stream];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NonStreaming => "response of 600 bytes",
            Self::Stream => "stream of 50 deltas",
        }
    }

    /// The path on the floor, which selects the response mode because the floor does not read
    /// bodies.
    pub(crate) fn floor_path(self) -> &'static str {
        match self {
            Self::NonStreaming => "/v1/chat/completions",
            Self::Stream => "/v1/chat/completions/stream",
        }
    }

    /// The path on Bedrock.
    pub(crate) fn bedrock_path(self) -> String {
        match self {
            Self::NonStreaming => format!("/model/{MODEL}/converse"),
            Self::Stream => format!("/model/{MODEL}/converse-stream"),
        }
    }
}

fn converse() -> Value {
    json!({
        "messages": [{ "role": "user", "content": [{ "text": PROMPT }] }],
        "system": [{ "text": INSTRUCTION }],
        "inferenceConfig": { "maxTokens": 1024, "temperature": 0.7 },
    })
}

fn chat(model: &str, mode: ResponseMode) -> Value {
    json!({
        "model": model,
        "messages": [
            { "role": "system", "content": INSTRUCTION },
            { "role": "user", "content": PROMPT },
        ],
        "max_tokens": 1024,
        "temperature": 0.7,
        "stream": mode == ResponseMode::Stream,
    })
}
