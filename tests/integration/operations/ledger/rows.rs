//! A request for each endpoint, and what it uses.

use bedrock_simulator::{Operation, Script};
use bytes::Bytes;
use outcrop::usage::{Units, Upstream};
use serde_json::{Value, json};

use crate::harness::MODEL;
use crate::harness::batches::line;
use crate::harness::forms::form;
use crate::harness::images::png_bytes;

const MANTLE: &str = "openai.gpt-5.4";
const RUNTIME: &str = "openai.gpt-6-luna";

/// A request, and what it uses. A new endpoint is a row of [`rows`].
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) path: String,
    /// The route that the path matches.
    pub(super) route: &'static str,
    pub(super) body: Body,
    /// The API that it calls once.
    pub(super) upstream: Option<Upstream>,
    /// What is charged.
    pub(super) used: Used,
    /// Whether its response is a stream.
    pub(super) stream: bool,
    /// Whether the response does without the call if the call fails.
    pub(super) is_optional: bool,
}

/// The body of a request.
pub(super) enum Body {
    /// That of a GET request.
    None,
    Json(Value),
    Form(Bytes),
}

impl Body {
    pub(super) fn bytes(&self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::Json(json) => json.to_string().into(),
            Self::Form(form) => form.clone(),
        }
    }
}

/// The ids of what the rows read.
#[derive(Default)]
pub(super) struct Stored {
    pub(super) file: String,
    pub(super) video: String,
}

/// What a complete response is charged for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Used {
    Nothing,
    Tokens,
    Units(Units),
    TokensAndUnits(Units),
}

impl Row {
    fn post(
        name: &'static str,
        path: &'static str,
        body: Value,
        upstream: Upstream,
        used: Used,
    ) -> Self {
        Self {
            name,
            path: path.to_owned(),
            route: path,
            stream: body["stream"] == true,
            body: Body::Json(body),
            upstream: Some(upstream),
            used,
            is_optional: upstream == Upstream::CountTokens,
        }
    }

    /// Whether the response is a model's, whose stop reason the gateway reads.
    pub(super) fn generates(&self) -> bool {
        matches!(
            self.upstream,
            Some(
                Upstream::Converse
                    | Upstream::RuntimeChatCompletions
                    | Upstream::MantleChatCompletions
            )
        )
    }

    /// `script` for the call of this row. Without an operation, a script is for calls of models.
    pub(super) fn scripted(&self, script: Script) -> Script {
        match self.upstream {
            Some(Upstream::CountTokens) => script.for_operation(Operation::CountTokens),
            Some(Upstream::Guardrails) => script.for_operation(Operation::InvokeGuardrailChecks),
            Some(Upstream::AsyncInvoke) => script.for_operation(Operation::StartAsyncInvoke),
            _ => script,
        }
    }

    /// A request that calls no model.
    fn without_call(name: &'static str, path: &'static str, body: Body) -> Self {
        Self {
            name,
            path: path.to_owned(),
            route: path,
            body,
            upstream: None,
            used: Used::Nothing,
            stream: false,
            is_optional: false,
        }
    }

    fn get(path: &'static str) -> Self {
        Self::without_call(path, path, Body::None)
    }

    /// The upload of a file for a batch.
    pub(super) fn upload() -> Self {
        let content = line("a", MODEL, "hi").to_string();
        let file = [("file", "in.jsonl", content.as_bytes())];
        let body = Body::Form(form(&[("purpose", "batch")], &file));
        Self::without_call("upload", "/v1/files", body)
    }

    /// A video of six seconds.
    pub(super) fn video() -> Self {
        let video = json!({"model": "amazon.nova-reel-v1:1", "prompt": "a cat", "seconds": "6"});
        Self::post(
            "video",
            "/v1/videos",
            video,
            Upstream::AsyncInvoke,
            Used::Units(Units::Seconds(6)),
        )
    }
}

pub(super) fn rows(stored: &Stored) -> Vec<Row> {
    let chat = |model: &str, stream: bool| json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    let prompt = |stream: bool| json!({"model": MODEL, "stream": stream, "prompt": "hi"});
    let converse = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let invoke = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}]});
    let embeddings = json!({"model": "amazon.titan-embed-text-v2:0", "input": "hi"});
    let rerank = json!({"model": "cohere.rerank-v3-5:0", "query": "hi", "documents": ["a"]});
    let image = json!({"model": "amazon.nova-canvas-v1:0", "prompt": "a cat"});
    let edit = |name, path, texts: &[(&str, &str)]| {
        let texts = [&[("model", "amazon.nova-canvas-v1:0")], texts].concat();
        let image = png_bytes(320, 320);
        Row {
            body: Body::Form(form(&texts, &[("image", "a.png", &image)])),
            ..Row::post(
                name,
                path,
                Value::Null,
                Upstream::InvokeModel,
                Used::Units(Units::Images(1)),
            )
        }
    };
    let content = |name, path: String, route| Row {
        path,
        ..Row::without_call(name, route, Body::None)
    };
    let checks = json!({
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "checks": {"contentFilter": {"categories": [{"category": "HATE"}]}},
    });
    let batch = json!({
        "input_file_id": stored.file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    });
    let of_model = |action: &str, row: Row| Row {
        path: format!("/model/{MODEL}/{action}"),
        ..row
    };
    let model = "/model/{*rest}";
    let chats = "/v1/chat/completions";
    let post = Row::post;
    vec![
        post(
            "chat",
            chats,
            chat(MODEL, false),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "chat stream",
            chats,
            chat(MODEL, true),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "chat on bedrock-runtime",
            chats,
            chat(RUNTIME, false),
            Upstream::RuntimeChatCompletions,
            Used::Tokens,
        ),
        post(
            "chat stream on bedrock-mantle",
            chats,
            chat(MANTLE, true),
            Upstream::MantleChatCompletions,
            Used::Tokens,
        ),
        post(
            "completion",
            "/v1/completions",
            prompt(false),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "completion stream",
            "/v1/completions",
            prompt(true),
            Upstream::Converse,
            Used::Tokens,
        ),
        post(
            "embeddings",
            "/v1/embeddings",
            embeddings,
            Upstream::InvokeModel,
            Used::Tokens,
        ),
        post(
            "rerank",
            "/v1/rerank",
            rerank,
            Upstream::InvokeModel,
            Used::TokensAndUnits(Units::Queries(1)),
        ),
        post(
            "image",
            "/v1/images/generations",
            image,
            Upstream::InvokeModel,
            Used::Units(Units::Images(1)),
        ),
        edit(
            "image edit",
            "/v1/images/edits",
            &[("task_type", "BACKGROUND_REMOVAL")],
        ),
        edit(
            "image variation",
            "/v1/images/variations",
            &[("size", "512x512")],
        ),
        Row::video(),
        post(
            "moderation",
            "/v1/moderations",
            json!({"input": "hi"}),
            Upstream::Guardrails,
            Used::Units(Units::TextUnits(1)),
        ),
        post(
            "token count of a chat",
            "/v1/chat/completions/input_tokens",
            chat(MODEL, false),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        post(
            "token count of a response",
            "/v1/responses/input_tokens",
            json!({"model": MODEL, "input": "hi"}),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        post(
            "explanation",
            "/v1/explain",
            chat(MODEL, false),
            Upstream::CountTokens,
            Used::Nothing,
        ),
        of_model(
            "converse",
            post(
                "Converse",
                model,
                converse.clone(),
                Upstream::Converse,
                Used::Tokens,
            ),
        ),
        of_model(
            "converse-stream",
            Row {
                stream: true,
                ..post(
                    "ConverseStream",
                    model,
                    converse,
                    Upstream::Converse,
                    Used::Tokens,
                )
            },
        ),
        of_model(
            "invoke",
            post(
                "InvokeModel",
                model,
                invoke,
                Upstream::InvokeModel,
                Used::Tokens,
            ),
        ),
        post(
            "InvokeGuardrailChecks",
            "/guardrail-checks/invoke",
            checks,
            Upstream::Guardrails,
            Used::Nothing,
        ),
        Row::get("/v1/models"),
        Row::upload(),
        Row::get("/v1/files"),
        content(
            "file content",
            format!("/v1/files/{}/content", stored.file),
            "/v1/files/{id}/content",
        ),
        content(
            "video content",
            format!("/v1/videos/{}/content", stored.video),
            "/v1/videos/{id}/content",
        ),
        Row::without_call("batch", "/v1/batches", Body::Json(batch)),
        Row::get("/v1/batches"),
    ]
}

/// The rows that call a model, which read nothing that is stored.
pub(super) fn calling_rows() -> Vec<Row> {
    let mut rows = rows(&Stored::default());
    rows.retain(|row| row.upstream.is_some());
    rows
}
