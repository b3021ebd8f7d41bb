//! What a request to Bedrock's own API is expected to use. Its body is not parsed: only the length
//! of the response and of media are read from it.

use serde::Deserialize;

use super::operation::Operation;
use super::ready::Ready;
use crate::gateway::{CallSize, Gateway};
use crate::identity::Caller;
use crate::limits::{Demand, OutputSize, PromptSize};

/// The length from which a string without spaces is base64.
const MIN_MEDIA: usize = 4096;

/// The estimated tokens of an image, and of a page of a document.
const MEDIA_TOKENS: u64 = 1600;

/// The maximum length of a response, in Converse's and in the models' own formats.
#[derive(Deserialize)]
struct OutputLimits {
    #[serde(rename = "inferenceConfig")]
    inference_config: Option<InferenceLimits>,
    max_tokens: Option<u64>,
    max_gen_len: Option<u64>,
}

#[derive(Deserialize)]
struct InferenceLimits {
    #[serde(rename = "maxTokens", alias = "max_new_tokens")]
    max_tokens: Option<u64>,
}

/// What `caller` is expected to use.
pub(super) fn demand(
    gateway: &Gateway,
    caller: &Caller,
    operation: Operation,
    ready: &Ready,
) -> Demand {
    match (operation, &ready.target) {
        (
            Operation::Converse
            | Operation::ConverseStream
            | Operation::InvokeModel
            | Operation::InvokeModelWithResponseStream,
            Some(target),
        ) => {
            let body = &ready.upstream_call.body;
            let size = || CallSize::of(prompt_size(body), output_size(body));
            gateway.token_demand(caller, target, size)
        }
        // Billed by the second or the image, which is known to the model only.
        (Operation::StartAsyncInvoke, _) => Demand::of_units(None),
        _ => Demand::free(),
    }
}

fn output_size(body: &[u8]) -> OutputSize {
    // A body that is not such an object is refused by Bedrock.
    let limits = serde_json::from_slice::<OutputLimits>(body).ok();
    let limit = limits.and_then(|limits| {
        let inference = limits.inference_config.and_then(|config| config.max_tokens);
        inference.or(limits.max_tokens).or(limits.max_gen_len)
    });
    limit.map_or(OutputSize::Unknown, OutputSize::UpTo)
}

/// The size of a prompt in JSON, whose long strings without spaces are media.
fn prompt_size(body: &[u8]) -> PromptSize {
    let is_media = |text: &&[u8]| text.len() >= MIN_MEDIA && !text.contains(&b' ');
    let media = body.split(|byte| *byte == b'"').filter(is_media);
    let (count, length) = media.fold((0, 0), |(count, length), text| {
        (count + 1, length + text.len())
    });
    PromptSize {
        bytes: body.len().saturating_sub(length) as u64,
        media_tokens: count * MEDIA_TOKENS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_limit_is_read_in_every_format() {
        for (body, expected) in [
            (
                r#"{"inferenceConfig":{"maxTokens":7}}"#,
                OutputSize::UpTo(7),
            ),
            (
                r#"{"inferenceConfig":{"max_new_tokens":8}}"#,
                OutputSize::UpTo(8),
            ),
            (r#"{"max_tokens":9,"messages":[]}"#, OutputSize::UpTo(9)),
            (r#"{"max_gen_len":10}"#, OutputSize::UpTo(10)),
            (r#"{"messages":[]}"#, OutputSize::Unknown),
            ("not JSON", OutputSize::Unknown),
        ] {
            assert_eq!(output_size(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn media_are_not_counted_by_their_bytes() {
        let text = "word ".repeat(2000);
        let image = "A".repeat(100_000);
        let body = format!(r#"{{"text":"{text}","bytes":"{image}"}}"#);
        let expected = PromptSize {
            bytes: (body.len() - image.len()) as u64,
            media_tokens: MEDIA_TOKENS,
        };
        assert_eq!(prompt_size(body.as_bytes()), expected);
    }
}
