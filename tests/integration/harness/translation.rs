//! Translates requests with the default configuration.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use outcrop::catalog::Tables;
use outcrop::config::{ModelFiles, OnBlocked};
use outcrop::converse::media::RemoteFiles;
use outcrop::converse::origin::Origin;
use outcrop::converse::translation::{ChatOptions, ChatTranslation, TranslationContext};
use outcrop::dialects::openai_chat::{ChatRequest, translate};
use outcrop::dialects::openai_responses::{
    self, Purpose, ResponseHead, ResponsesFieldNames, ResponsesFormat, ResponsesRequest,
};
use outcrop::error::ApiError;
use outcrop::models::{ChatUpstream, ModelId};
use outcrop::resources::seals::{SealKey, Seals};

/// The caller of golden requests, whose seals open.
pub const OWNER: &str = "golden";

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::load(&ModelFiles::default()).unwrap());

/// The key of the seals in golden folders.
pub fn seal_key() -> SealKey {
    SealKey::parse(&STANDARD.encode([7; 32])).unwrap()
}

/// Translates `request`, whose model is a Bedrock id, with the default options.
pub fn translated(request: ChatRequest) -> Result<ChatTranslation, ApiError> {
    translated_under(request, &ChatOptions::default())
}

/// Translates `request`, whose model is a Bedrock id.
pub fn translated_under(
    request: ChatRequest,
    options: &ChatOptions,
) -> Result<ChatTranslation, ApiError> {
    let model = request.model.clone().unwrap_or_default();
    with_context(&model, options, |context| translate(request, context))
}

/// Translates a Responses request, whose model is a Bedrock id, with the default options.
pub fn responses_translated(request: ResponsesRequest) -> Result<ChatTranslation, ApiError> {
    let model = request.model.clone().unwrap_or_default();
    let names = ResponsesFieldNames::of(&request);
    with_context(&model, &ChatOptions::default(), |context| {
        openai_responses::translate(request, Purpose::Respond, &names, context)
    })
}

/// The format of the response to `request`, always with the same id and times.
pub fn responses_format(request: &ResponsesRequest) -> ResponsesFormat {
    const CREATED: u64 = 1_700_000_000;
    let head = ResponseHead::new("resp_golden", CREATED, request);
    let format = ResponsesFormat::new(head, request, OnBlocked::default(), || CREATED + 1);
    format.sealed_by(Some(Seals::new(&[seal_key()]).salted(OWNER, [1; 16])))
}

/// Translates a request to `model`, a Bedrock id, with `translate`.
pub fn with_context<T>(
    model: &str,
    options: &ChatOptions,
    translate: impl FnOnce(&TranslationContext<'_>) -> T,
) -> T {
    let model = ModelId::parse(model).unwrap();
    let row = TABLES.prices.row(&model);
    let capabilities = Arc::clone(TABLES.capabilities.capabilities(&model));
    let seals = Seals::new(&[seal_key()]);
    let origin = Arc::new(Origin {
        family: capabilities.family.clone(),
        model: model.foundation_id().to_owned(),
        account: None,
    });
    let context = TranslationContext {
        capabilities: &capabilities,
        upstream: ChatUpstream::Converse,
        output_limit: row.and_then(|row| row.max_output),
        options,
        recall: &|_| None,
        unseal: &|seal| seals.open(OWNER, seal),
        origin: &origin,
        dropped_share: 0,
        without_reasoning: false,
        fetched: &RemoteFiles::new(),
    };
    translate(&context)
}
