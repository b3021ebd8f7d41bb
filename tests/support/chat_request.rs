//! The target `chat_request`: the body of a chat request, translated for a model of any family.
//!
//! The first byte of the input selects the model, the second the operator's settings. The rest is the
//! body or, after a byte of 0, a list of choices from a vocabulary.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;
use outcrop::converse::content::{ReasoningBlock, ReasoningText};
use outcrop::converse::media::{RemoteAddress, RemoteFiles, RemoteMedia};
use outcrop::converse::options::GuardrailConfig;
use outcrop::converse::origin::Origin;
use outcrop::converse::policy::{AllowList, GuardrailPolicy};
use outcrop::converse::remembered::{RememberedTurn, TurnPart};
use outcrop::converse::translation::{ChatOptions, ChatTranslation, TranslationContext};
use outcrop::dialects::openai_chat::{ChatRequest, remote_addresses, translate};
use outcrop::error::{ApiError, ErrorKind};
use outcrop::models::{Capabilities, ChatUpstream, ModelId};
use outcrop::resources::seals::Seals;

use super::{converse_rules, vocabulary};

/// A model for each set of capabilities.
pub const MODELS: [&str; 16] = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us.anthropic.claude-opus-5",
    "anthropic.claude-v2:1",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    "us.anthropic.claude-fable-5-1",
    "amazon.nova-lite-v1:0",
    "amazon.nova-2-lite-v1:0",
    "amazon.titan-text-express-v1",
    "meta.llama3-3-70b-instruct-v1:0",
    "mistral.mistral-large-2402-v1:0",
    "deepseek.r1-v1:0",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-5",
    "moonshot.kimi-k2-thinking",
    "someone.unknown-v1",
];

/// The caller, whose seals open.
pub const OWNER: &str = "fuzz";

/// The keys of seals.
pub static SEALS: LazyLock<Seals> = LazyLock::new(|| Seals::new(&[]));

/// How much a request may grow apart from a multiple of its length: inlined schema references.
const MAX_GROWTH: usize = 4 << 20;

struct Model {
    capabilities: Arc<Capabilities>,
    output_limit: Option<u32>,
    origin: Arc<Origin>,
}

static TEST_MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let tables = Tables::load(&ModelFiles::default()).unwrap();
    let model = |id: &&str| {
        let id = ModelId::parse(id).unwrap();
        let row = tables.prices.row(&id);
        let capabilities = Arc::clone(tables.capabilities.capabilities(&id));
        Model {
            origin: Arc::new(Origin {
                family: capabilities.family.clone(),
                model: id.foundation_id().to_owned(),
                account: None,
            }),
            capabilities,
            output_limit: row.and_then(|row| row.max_output),
        }
    };
    MODELS.iter().map(model).collect()
});

/// Panics if Bedrock would reject the translation of `input`.
pub fn check(input: &[u8]) {
    let Some(([model, settings], body)) = input.split_first_chunk() else {
        return;
    };
    let chosen = body.strip_prefix(&[0]).map(vocabulary::request);
    let body = chosen.as_ref().map_or(body, String::as_bytes);
    let Ok(request) = serde_json::from_slice::<ChatRequest>(body) else {
        return;
    };
    let model = &TEST_MODELS[usize::from(*model) % TEST_MODELS.len()];
    let translated = match translated(request.clone(), model, *settings) {
        Ok(translated) => translated,
        Err(error) => return is_helpful(&error),
    };
    converse_rules::assert_rules(&translated.converse, &model.capabilities);
    let json = serde_json::to_string(&translated.converse).unwrap();
    assert!(converse_rules::is_json(&json), "{json}");
    assert!(
        json.len() <= 8 * body.len() + MAX_GROWTH,
        "{} bytes",
        json.len()
    );
    if let Some(notes) = translated.adjustments.header_value() {
        assert!(
            notes.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{notes}"
        );
    }
    // Prompt caches compare bytes.
    let again = self::translated(request, model, *settings).unwrap();
    assert_eq!(serde_json::to_string(&again.converse).unwrap(), json);
    assert_eq!(again.output_options, translated.output_options);
    assert_eq!(again.adjustments, translated.adjustments);
}

fn translated(
    request: ChatRequest,
    model: &Model,
    settings: u8,
) -> Result<ChatTranslation, ApiError> {
    let fetched = fetched(remote_addresses(&request), settings);
    in_context(model, settings, &fetched, |context| {
        translate(request, context)
    })
}

/// The capabilities of the model that a byte selects.
pub(super) fn capabilities(model: u8) -> &'static Capabilities {
    &TEST_MODELS[usize::from(model) % TEST_MODELS.len()].capabilities
}

/// The model that a byte selects, as the origin of reasoning.
pub(super) fn origin(model: u8) -> &'static Origin {
    &TEST_MODELS[usize::from(model) % TEST_MODELS.len()].origin
}

/// Calls `translate` with the model and the settings that two bytes select, and the files at these
/// URLs.
pub(super) fn with_settings<T>(
    [model, settings]: [u8; 2],
    addresses: Vec<RemoteAddress>,
    translate: impl FnOnce(&TranslationContext<'_>) -> T,
) -> T {
    let model = &TEST_MODELS[usize::from(model) % TEST_MODELS.len()];
    in_context(model, settings, &fetched(addresses, settings), translate)
}

fn in_context<T>(
    model: &Model,
    settings: u8,
    fetched: &RemoteFiles,
    translate: impl FnOnce(&TranslationContext<'_>) -> T,
) -> T {
    translate(&TranslationContext {
        capabilities: &model.capabilities,
        upstream: ChatUpstream::Converse,
        output_limit: model.output_limit,
        options: &options(settings),
        unseal: &|seal| SEALS.open(OWNER, seal),
        origin: &model.origin,
        recall: &|call| is_set(settings, 5).then(|| remembered_turn(call)),
        dropped_share: if is_set(settings, 7) { 500 } else { 0 },
        without_reasoning: false,
        fetched,
    })
}

fn options(settings: u8) -> ChatOptions {
    let names = ["top_a".to_owned(), "top_b".to_owned()];
    let guardrail = GuardrailPolicy {
        config: GuardrailConfig {
            guardrail_identifier: "g".to_owned(),
            guardrail_version: "1".to_owned(),
            trace: None,
            stream_processing_mode: None,
        },
        only_last_turn: true,
    };
    ChatOptions {
        automatic_caching: !is_set(settings, 0),
        guardrail: is_set(settings, 1).then_some(guardrail),
        forward_metadata: is_set(settings, 2),
        max_tokens_ceiling: is_set(settings, 3).then_some(2000),
        model_fields: match is_set(settings, 4) {
            true => AllowList::new(names.to_vec()),
            false => AllowList::default(),
        },
        ..ChatOptions::default()
    }
}

/// A remembered turn for every tool call.
fn remembered_turn(call: &str) -> Arc<RememberedTurn> {
    let block = |text: &str| {
        ReasoningBlock::ReasoningText(ReasoningText {
            text: text.to_owned(),
            signature: Some("s".to_owned()),
        })
    };
    Arc::new(RememberedTurn {
        reasoning: vec![block(call), block("more")],
        instructions: vec!["Be brief.".to_owned()],
        order: vec![TurnPart::Reasoning, TurnPart::Call, TurnPart::Reasoning],
    })
}

/// A downloaded image or text for every URL of the request.
fn fetched(addresses: Vec<RemoteAddress>, settings: u8) -> RemoteFiles {
    let (bytes, kind): (&'static [u8], _) = match is_set(settings, 6) {
        true => (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif"),
        false => (b"text", "text/plain"),
    };
    let media = RemoteMedia {
        bytes: Bytes::from_static(bytes),
        content_type: Some(kind.to_owned()),
    };
    addresses
        .into_iter()
        .map(|remote| (remote.address, media.clone()))
        .collect()
}

fn is_set(settings: u8, bit: u8) -> bool {
    settings >> bit & 1 == 1
}

/// Asserts that an error has a message and is not internal.
pub(super) fn is_helpful(error: &ApiError) {
    assert_ne!(error.kind, ErrorKind::Internal, "{error}");
    assert!(!error.to_string().is_empty());
}
