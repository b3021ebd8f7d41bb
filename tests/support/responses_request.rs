//! The target `responses_request`: the body of a Responses request, translated for a model of any
//! family. The first byte of the input selects the model, the second the operator's settings; the rest
//! is the body.

use outcrop::converse::content::{ReasoningBlock, ReasoningText};
use outcrop::converse::origin::Origin;
use outcrop::converse::translation::ChatTranslation;
use outcrop::dialects::openai_responses::{
    Envelope, InputItem, Purpose, ResponsesFieldNames, ResponsesRequest, SealedReasoning,
    remote_addresses, translate,
};
use outcrop::error::ApiError;

use super::chat_request::{OWNER, SEALS, capabilities, is_helpful, origin, with_settings};
use super::converse_rules;

/// Panics if Bedrock would reject the translation of `input`.
pub fn check(input: &[u8]) {
    let Some((selected, body)) = input.split_first_chunk() else {
        return;
    };
    let Ok(mut request) = serde_json::from_slice::<ResponsesRequest>(body) else {
        return;
    };
    seal_items(&mut request, selected[0]);
    let translated = match translated(request.clone(), *selected) {
        Ok(translated) => translated,
        Err(error) => return is_helpful(&error),
    };
    converse_rules::assert_rules(&translated.converse, capabilities(selected[0]));
    let json = serde_json::to_string(&translated.converse).unwrap();
    assert!(converse_rules::is_json(&json), "{json}");
    // Prompt caches compare bytes.
    let again = self::translated(request.clone(), *selected).unwrap();
    assert_eq!(serde_json::to_string(&again.converse).unwrap(), json);
    assert_items_can_be_stored(&request);
}

/// Seals what the input cannot: `reasoning:TEXT` is reasoning of the selected model, and `sealed:TEXT`
/// is any content.
fn seal_items(request: &mut ResponsesRequest, selected: u8) {
    let sealer = SEALS.salted(OWNER, [0; 16]);
    for item in request.items_mut() {
        let Some(text) = item.encrypted_content.as_deref() else {
            continue;
        };
        let content = if let Some(text) = text.strip_prefix("reasoning:") {
            let block = ReasoningBlock::ReasoningText(ReasoningText {
                text: text.to_owned(),
                signature: text.starts_with('s').then(|| text.to_owned()),
            });
            let reasoning = SealedReasoning {
                origin: Origin::clone(origin(selected)),
                made_at: 0,
                block,
                instructions: vec!["Be brief.".to_owned()],
            };
            serde_json::to_vec(&Envelope::Reasoning(Box::new(reasoning))).unwrap()
        } else if let Some(content) = text.strip_prefix("sealed:") {
            content.as_bytes().to_vec()
        } else {
            continue;
        };
        item.encrypted_content = sealer.seal(0, &content);
    }
}

fn translated(request: ResponsesRequest, selected: [u8; 2]) -> Result<ChatTranslation, ApiError> {
    let names = ResponsesFieldNames::of(&request);
    with_settings(selected, remote_addresses(&request), |context| {
        translate(request, Purpose::Respond, &names, context)
    })
}

/// A store can write the items and read them again.
fn assert_items_can_be_stored(request: &ResponsesRequest) {
    let Some(items) = request.items() else {
        return;
    };
    for item in items {
        let json = serde_json::to_string(item).unwrap();
        let read: InputItem = serde_json::from_str(&json).unwrap();
        assert_eq!(&read, item.as_ref());
    }
}
