use bytes::Bytes;
use serde_json::{Value, json};

/// The model that is asked for. The simulated Bedrock answers for it at once.
pub(crate) const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The key that the gateway knows.
pub(crate) const API_KEY: &str = "sk-bench-0001";

const INSTRUCTION: &str = "You are a patient guide to the mountains. Answer in a few sentences, \
                           and name the sources of what you say.";

const PROMPT: &str = "Where two layers of rock meet at a slope, which of them is the older one, \
                        and how would a hiker without any tools find that out on the spot?";

/// The way that a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestRoute {
    /// Straight to the simulated Bedrock.
    Direct,
    /// Through the floor.
    Floor,
    /// Through the gateway.
    Gateway,
    /// Through the other gateway of `--against`.
    Other,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResponseMode {
    /// One JSON object with a text of 600 bytes.
    NonStreaming,
    /// The same text as a stream of 50 deltas.
    Stream,
}

/// A request that is sent over and over.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// Where it is posted to.
    pub(crate) path: String,
    /// What is posted.
    pub(crate) body: Bytes,
}

impl RequestRoute {
    /// The ways of every run.
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Floor, Self::Gateway];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Floor => "floor",
            Self::Gateway => "gateway",
            Self::Other => "other",
        }
    }

    /// The request that gets this answer on this way: OpenAI's for the gateway, and what the
    /// gateway makes of it for the others.
    pub(crate) fn exchange(self, mode: ResponseMode) -> Exchange {
        let (path, body) = match self {
            Self::Direct => (mode.bedrock_path(), converse()),
            Self::Floor => (mode.floor_path().to_owned(), converse()),
            Self::Gateway | Self::Other => ("/v1/chat/completions".to_owned(), chat(mode)),
        };
        let body = body.to_string().into();
        Exchange { path, body }
    }
}

impl ResponseMode {
    pub(crate) const ALL: [Self; 2] = [Self::NonStreaming, Self::Stream];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NonStreaming => "whole answer of 600 bytes",
            Self::Stream => "stream of 50 deltas",
        }
    }

    /// Where the floor gives this answer; it does not look into bodies, so the path says it.
    pub(crate) fn floor_path(self) -> &'static str {
        match self {
            Self::NonStreaming => "/v1/chat/completions",
            Self::Stream => "/v1/chat/completions/stream",
        }
    }

    /// Where Bedrock gives it.
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

fn chat(mode: ResponseMode) -> Value {
    json!({
        "model": MODEL,
        "messages": [
            { "role": "system", "content": INSTRUCTION },
            { "role": "user", "content": PROMPT },
        ],
        "max_tokens": 1024,
        "temperature": 0.7,
        "stream": mode == ResponseMode::Stream,
    })
}
