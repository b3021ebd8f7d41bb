//! Guardrails of conversations: selection, checks of input and output, and traces.

use serde_json::{Map, Value, json};

use crate::catalog::{ACCOUNT, REGION};
use crate::conversation::{Conversation, text};
use crate::options::Guardrail;

/// Characters per text unit (billing).
const UNIT: u64 = 1000;

/// Finds a guardrail by id or ARN, in an existing version.
pub(crate) fn find<'a>(
    guardrails: &'a [Guardrail],
    id: &str,
    version: &str,
) -> Option<&'a Guardrail> {
    let bare = id.rsplit('/').next().unwrap_or(id);
    guardrails.iter().find(|guardrail| {
        guardrail.id == bare
            && (version == "DRAFT"
                || guardrail
                    .versions
                    .iter()
                    .any(|available| available == version))
    })
}

/// The guardrail of a call, and its findings so far.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    guardrail: &'a Guardrail,
    version: String,
    traced: bool,
    input: Option<Value>,
    output: Option<Value>,
    intervened: bool,
}

impl<'a> Watch<'a> {
    /// `None` if the request does not name an existing guardrail.
    pub(crate) fn over(request: &Value, guardrails: &'a [Guardrail]) -> Option<Self> {
        let config = request.get("guardrailConfig")?;
        let version = text(config.get("guardrailVersion"));
        let id = text(config.get("guardrailIdentifier"));
        Some(Self {
            guardrail: find(guardrails, id, version)?,
            version: version.to_owned(),
            traced: matches!(text(config.get("trace")), "enabled" | "enabled_full"),
            input: None,
            output: None,
            intervened: false,
        })
    }

    /// Returns the message that replaces the response if the input is blocked.
    pub(crate) fn check_input(&mut self, conversation: &Conversation<'_>) -> Option<&'a str> {
        let (guarded, total) = watched(conversation);
        let matched = matches(&guarded, &self.guardrail.input_words);
        self.input = Some(self.assessment(&guarded, total, &matched));
        self.intervened |= !matched.is_empty();
        (!matched.is_empty()).then_some(self.guardrail.blocked_input.as_str())
    }

    /// Returns the message that replaces a blocked response.
    pub(crate) fn check_output(&mut self, output_text: &str) -> Option<&'a str> {
        let matched = matches(output_text, &self.guardrail.output_words);
        let total = output_text.chars().count() as u64;
        self.output = Some(self.assessment(output_text, total, &matched));
        self.intervened |= !matched.is_empty();
        (!matched.is_empty()).then_some(self.guardrail.blocked_output.as_str())
    }

    /// `trace.guardrail`, if the request enables it (recordings `convs-claude-24e3edcf` for a
    /// blocked input, `conv-nova-7a47f3f6` for one that passes).
    pub(crate) fn trace(&self, output_text: &str) -> Option<Value> {
        if !self.traced {
            return None;
        }
        let id = self.guardrail.id.as_str();
        let reason = if self.intervened {
            "Guardrail blocked."
        } else {
            "No action."
        };
        let mut trace = Map::new();
        trace.insert("actionReason".to_owned(), reason.into());
        if let Some(input) = &self.input {
            trace.insert("inputAssessment".to_owned(), json!({ id: input }));
        }
        if let Some(output) = &self.output {
            let outputs = if self.intervened {
                vec![output_text]
            } else {
                vec![]
            };
            trace.insert("modelOutput".to_owned(), json!(outputs));
            trace.insert("outputAssessments".to_owned(), json!({ id: [output] }));
        }
        Some(json!({ "guardrail": trace }))
    }

    fn assessment(&self, guarded: &str, total: u64, matched: &[&str]) -> Value {
        let Guardrail { id, .. } = self.guardrail;
        let characters = guarded.chars().count() as u64;
        let mut assessment = json!({
            "appliedGuardrailDetails": {
                "guardrailArn": format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/{id}"),
                "guardrailId": id,
                "guardrailOrigin": ["REQUEST"],
                "guardrailOwnership": "SELF",
                "guardrailVersion": self.version,
            },
            "invocationMetrics": {
                "guardrailCoverage": { "textCharacters": { "guarded": characters, "total": total } },
                "guardrailProcessingLatency": 21,
                "usage": {
                    "contentPolicyImageUnits": 0,
                    "contentPolicyUnits": 0,
                    "contextualGroundingPolicyUnits": 0,
                    "sensitiveInformationPolicyFreeUnits": 0,
                    "sensitiveInformationPolicyUnits": 0,
                    "topicPolicyUnits": 0,
                    "wordPolicyUnits": characters.div_ceil(UNIT),
                },
            },
        });
        if let (false, Value::Object(fields)) = (matched.is_empty(), &mut assessment) {
            let words: Vec<Value> = matched
                .iter()
                .map(|word| json!({ "action": "BLOCKED", "detected": true, "match": word }))
                .collect();
            let policy = json!({ "customWords": words, "managedWordLists": [] });
            fields.insert("wordPolicy".to_owned(), policy);
        }
        assessment
    }
}

/// The text that the guardrail checks, and the number of characters in total. If any `guardContent`
/// block exists, only those are checked; else the messages, but not the system prompt (the 30
/// characters of recording `conv-nova-7a47f3f6`).
fn watched(conversation: &Conversation<'_>) -> (String, u64) {
    let mut texts = Vec::new();
    let mut guarded = Vec::new();
    let guard = |block: &Value| text(block.pointer("/text/text")).to_owned();
    for message in &conversation.messages {
        for block in &message.content {
            match block.kind {
                "text" => texts.push(text(Some(block.value)).to_owned()),
                "guardContent" => guarded.push(guard(block.value)),
                "toolResult" => texts.extend(results(block.value)),
                _ => {}
            }
        }
    }
    let of_system = conversation.system.iter();
    guarded.extend(
        of_system
            .filter(|block| block.kind == "guardContent")
            .map(|block| guard(block.value)),
    );
    let total = [&texts, &guarded]
        .into_iter()
        .flatten()
        .map(|text| text.chars().count() as u64)
        .sum();
    let watched = if guarded.is_empty() { texts } else { guarded };
    (watched.join("\n"), total)
}

fn results(result: &Value) -> impl Iterator<Item = String> {
    let content = result.get("content").and_then(Value::as_array);
    content
        .into_iter()
        .flatten()
        .map(|content| text(content.get("text")).to_owned())
}

/// The words that occur in the text, ignoring case.
pub(crate) fn matches<'w>(texts: &str, words: &'w [String]) -> Vec<&'w str> {
    let texts = texts.to_lowercase();
    words
        .iter()
        .map(String::as_str)
        .filter(|word| texts.contains(&word.to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::unwrap_used)]
    use super::*;

    fn request(content: Value) -> Value {
        json!({
            "system": [{ "text": "An avalanche is snow." }],
            "messages": [{ "role": "user", "content": content }],
            "guardrailConfig": { "guardrailIdentifier": "demoguardrail", "guardrailVersion": "1",
                "trace": "enabled" },
        })
    }

    #[test]
    fn only_guard_content_is_evaluated_when_present() {
        let demo = [Guardrail::demo()];
        let guard = |text: &str| json!({ "guardContent": { "text": { "text": text } } });
        let avalanche = json!({ "text": "Tell me of an Avalanche" });
        for (content, blocked) in [
            (json!([avalanche]), true),
            (json!([{ "text": "Tell me of the sea" }]), false),
            (json!([avalanche, guard("the sea")]), false),
            (json!([{ "text": "so" }, guard("avalanche")]), true),
        ] {
            let request = request(content.clone());
            let mut watch = Watch::over(&request, &demo).unwrap();
            let texts = watch.check_input(&Conversation::of(&request));
            assert_eq!(texts.is_some(), blocked, "{content}");
        }
    }

    #[test]
    fn the_trace_names_the_blocked_word() {
        let demo = [Guardrail::demo()];
        let request = request(json!([{ "text": "quicksand" }]));
        let mut watch = Watch::over(&request, &demo).unwrap();
        assert_eq!(watch.check_input(&Conversation::of(&request)), None);
        assert!(watch.check_output("You said quicksand").is_some());
        let trace = watch.trace("You said quicksand").unwrap();
        let output = &trace["guardrail"]["outputAssessments"]["demoguardrail"][0];
        assert_eq!(output["wordPolicy"]["customWords"][0]["match"], "quicksand");
        assert_eq!(trace["guardrail"]["modelOutput"][0], "You said quicksand");
        let input = &trace["guardrail"]["inputAssessment"]["demoguardrail"];
        let covered = &input["invocationMetrics"]["guardrailCoverage"]["textCharacters"];
        assert_eq!(covered, &json!({ "guarded": 9, "total": 9 }));
    }
}
