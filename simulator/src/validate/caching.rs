//! Cache points in tools, system and messages.

use serde_json::Value;

use super::subject::Subject;
use crate::conversation::{Block, text};
use crate::error::AwsError;
use crate::families::Maker;

const MAX_CACHE_POINTS: usize = 4;

pub(super) fn supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    if !points(subject).is_empty() && subject.family.caching.is_none() {
        return Err(AwsError::validation(
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        ));
    }
    Ok(())
}

/// <https://github.com/NousResearch/hermes-agent/issues/97281>
pub(super) fn not_among_tools(subject: &Subject<'_>) -> Result<(), AwsError> {
    let allowed = subject
        .family
        .caching
        .is_none_or(|caching| caching.in_tools);
    let point = subject
        .conversation
        .tools
        .as_ref()
        .and_then(|tools| tools.of_kind("cachePoint").next());
    match point {
        Some((position, _)) if !allowed => Err(AwsError::by_model(format!(
            "Malformed input request: #/toolConfig/tools/{position}: extraneous key [cachePoint] is not permitted, please reformat your input and try again."
        ))),
        _ => Ok(()),
    }
}

/// A cache point must not be the first entry of its list
/// (<https://github.com/strands-agents/harness-sdk/pull/3677>).
pub(super) fn not_first(subject: &Subject<'_>) -> Result<(), AwsError> {
    let conversation = &subject.conversation;
    let tools = conversation.tools.as_ref().map(|tools| &tools.entries);
    let leads = conversation
        .messages
        .iter()
        .map(|message| &message.content)
        .chain([&conversation.system])
        .chain(tools)
        .any(|list| list.first().is_some_and(is_point));
    if leads {
        return Err(AwsError::validation("There is nothing available to cache."));
    }
    Ok(())
}

pub(super) fn at_most_four(subject: &Subject<'_>) -> Result<(), AwsError> {
    match points(subject).len() {
        0..=MAX_CACHE_POINTS => Ok(()),
        actual => Err(AwsError::by_model(format!(
            "A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be provided. Found {actual}."
        ))),
    }
}

pub(super) fn not_after_reasoning(subject: &Subject<'_>) -> Result<(), AwsError> {
    let follows = pairs(subject).any(|(_, block)| block.kind == "reasoningContent");
    if follows {
        return Err(AwsError::validation(
            "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
        ));
    }
    Ok(())
}

/// Claude gets a document as more than one block, which leaves no block for the cache point after
/// it; a PDF stays one block (<https://github.com/strands-agents/harness-sdk/issues/1966>).
pub(super) fn not_after_documents(subject: &Subject<'_>) -> Result<(), AwsError> {
    if subject.family.maker != Maker::Anthropic {
        return Ok(());
    }
    let cached_document = pairs(subject).find(|(_, block)| {
        block.kind == "document"
            && text(block.value.get("format")) != "pdf"
            && block.value.pointer("/source/bytes").is_some()
    });
    match cached_document {
        None => Ok(()),
        Some(((turn, position), _)) => Err(AwsError::by_model(format!(
            "messages.{turn}.content.{}.type: Field required",
            position + 1
        ))),
    }
}

pub(super) fn one_hour_supported(subject: &Subject<'_>) -> Result<(), AwsError> {
    let allowed = subject
        .family
        .caching
        .is_none_or(|caching| caching.one_hour);
    match points(subject).iter().find(|(_, point)| lasts_long(point)) {
        Some((path, _)) if !allowed => Err(AwsError::by_model(format!(
            "{path}.cache_control.ephemeral.ttl: Extra inputs are not permitted"
        ))),
        _ => Ok(()),
    }
}

/// Anthropic's documentation of prompt caching: longer TTLs before shorter ones.
pub(super) fn long_before_short(subject: &Subject<'_>) -> Result<(), AwsError> {
    let points = points(subject);
    let wrong = points
        .iter()
        .skip_while(|(_, point)| lasts_long(point))
        .find(|(_, point)| lasts_long(point));
    match wrong {
        None => Ok(()),
        Some((path, _)) => Err(AwsError::by_model(format!(
            "{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        ))),
    }
}

fn lasts_long(point: &Value) -> bool {
    text(point.get("ttl")) == "1h"
}

fn is_point(block: &Block<'_>) -> bool {
    block.kind == "cachePoint"
}

/// The cache points of the messages: message and block index, and the block before each.
fn pairs<'s>(subject: &'s Subject<'_>) -> impl Iterator<Item = ((usize, usize), Block<'s>)> {
    subject
        .conversation
        .messages
        .iter()
        .enumerate()
        .flat_map(|(turn, message)| {
            let next = message.content.iter().skip(1).enumerate();
            message
                .content
                .iter()
                .zip(next)
                .filter(|(_, (_, next))| is_point(next))
                .map(move |(block, (before, _))| ((turn, before + 1), *block))
        })
}

/// All cache points in prompt order, with the paths of the blocks that they follow.
fn points<'s>(subject: &'s Subject<'_>) -> Vec<(String, &'s Value)> {
    let conversation = &subject.conversation;
    let tools = conversation
        .tools
        .iter()
        .map(|tools| ("tools".to_owned(), &tools.entries));
    let system = [("system".to_owned(), &conversation.system)];
    let messages = conversation
        .messages
        .iter()
        .enumerate()
        .map(|(turn, message)| (format!("messages.{turn}.content"), &message.content));
    tools
        .chain(system)
        .chain(messages)
        .flat_map(|(list, blocks)| {
            blocks
                .iter()
                .enumerate()
                .filter(|(_, block)| is_point(block))
                .map(move |(position, block)| {
                    (
                        format!("{list}.{}", position.saturating_sub(1)),
                        block.value,
                    )
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::refusal;
    use serde_json::{Value, json};

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    const NOVA: &str = "amazon.nova-lite-v1:0";

    fn point() -> Value {
        json!({ "cachePoint": { "type": "default" } })
    }

    fn error_message(model: &str, content: Value) -> String {
        refusal(
            model,
            json!({ "messages": [{ "role": "user", "content": content }] }),
        )
        .unwrap_or_default()
    }

    #[test]
    fn cache_points_are_limited_in_number() {
        let with = |model: &str, count: usize| {
            let mut content = vec![json!({ "text": "x" })];
            content.extend(vec![point(); count]);
            error_message(model, Value::from(content))
        };
        assert_eq!(with(CLAUDE, 4), "");
        assert!(with(CLAUDE, 5).contains("Found 5."));
        assert!(with("qwen.qwen3-32b-v1:0", 1).contains("unsupported model"));
        assert!(with("anthropic.claude-3-haiku-x", 1).contains("unsupported model"));
    }

    #[test]
    fn cache_point_positions_are_validated() {
        let text = json!({ "text": "x" });
        let document = |format: &str| json!({ "document": { "format": format, "name": "a", "source": { "bytes": "JVBERi0xLjQK" } } });
        for (model, content, expected) in [
            (
                CLAUDE,
                json!([point(), text]),
                "There is nothing available to cache.",
            ),
            (CLAUDE, json!([text, document("pdf"), point()]), ""),
            (
                CLAUDE,
                json!([text, document("md"), point()]),
                "The model returned the following errors: messages.0.content.3.type: Field required",
            ),
            (NOVA, json!([text, document("md"), point()]), ""),
        ] {
            assert_eq!(
                error_message(model, content.clone()),
                expected,
                "{model} {content}"
            );
        }
    }

    #[test]
    fn nova_rejects_cache_points_in_tools() {
        let request = json!({
            "messages": [{ "role": "user", "content": [{ "text": "x" }] }],
            "toolConfig": { "tools": [
                { "toolSpec": { "name": "t", "inputSchema": { "json": { "type": "object" } } } },
                point(),
            ] },
        });
        assert_eq!(refusal(CLAUDE, request.clone()), None);
        assert_eq!(
            refusal(NOVA, request).unwrap_or_default(),
            "The model returned the following errors: Malformed input request: #/toolConfig/tools/1: extraneous key [cachePoint] is not permitted, please reformat your input and try again."
        );
    }

    #[test]
    fn one_hour_cache_points_need_support_and_precede_shorter_ones() {
        let of = |ttl: &str| json!({ "cachePoint": { "type": "default", "ttl": ttl } });
        let text = json!({ "text": "x" });
        assert_eq!(
            error_message(CLAUDE, json!([text, of("1h"), text, of("5m")])),
            ""
        );
        assert!(
            error_message(CLAUDE, json!([text, of("5m"), text, of("1h")]))
                .contains("messages.0.content.2.cache_control.ttl: a ttl='1h'")
        );
        assert!(
            error_message(
                "us.anthropic.claude-sonnet-4-20250514-v1:0",
                json!([text, of("1h")])
            )
            .contains("messages.0.content.0.cache_control.ephemeral.ttl: Extra inputs")
        );
    }
}
