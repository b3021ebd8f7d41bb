//! Content checks outside of conversations: InvokeGuardrailChecks and ApplyGuardrail.
//!
//! Scores count the matching words: none gives 0, one 0.6, two 0.8, three or more 1.

mod applied;
mod checks;

pub(crate) use applied::response as applied;
pub(crate) use checks::response as checks;

/// Characters per text unit (billing).
const UNIT: usize = 1000;

/// Categories of harmful content, each with its trigger words.
const HARMFUL: [(&str, &[&str]); 5] = [
    ("VIOLENCE", &["kill", "murder", "bomb", "stab"]),
    ("HATE", &["hate", "vermin", "subhuman"]),
    ("SEXUAL", &["sex", "nude", "porn"]),
    ("MISCONDUCT", &["steal", "launder", "counterfeit"]),
    ("INSULTS", &["idiot", "moron", "stupid"]),
];

/// Prompt attacks.
const ATTACKS: [(&str, &[&str]); 3] = [
    ("JAILBREAK", &["jailbreak", "without any rules"]),
    (
        "PROMPT_INJECTION",
        &["ignore previous instructions", "ignore all instructions"],
    ),
    (
        "PROMPT_LEAKAGE",
        &["your system prompt", "your instructions word for word"],
    ),
];

/// The number of these words in the text, ignoring case.
fn count(text: &str, words: &[&str]) -> usize {
    let text = text.to_lowercase();
    words.iter().filter(|word| text.contains(**word)).count()
}

fn words(kinds: &[(&str, &'static [&'static str])], name: &str) -> &'static [&'static str] {
    let kind = kinds.iter().find(|(kind, _)| *kind == name);
    kind.map_or(&[], |(_, words)| words)
}

/// Text units of a text (billing).
fn units(text: &str) -> usize {
    text.chars().count().div_ceil(UNIT)
}

/// A sensitive entity: its type, and its start and end (exclusive) in characters.
#[derive(Debug, PartialEq, Eq)]
struct Sensitive {
    kind: &'static str,
    begin: usize,
    end: usize,
}

/// Detects e-mail addresses, URLs and IP addresses, and no other type.
fn sensitive(text: &str) -> Vec<Sensitive> {
    let mut detected = Vec::new();
    let mut begin = 0;
    for word in text.split(char::is_whitespace) {
        let length = word.chars().count();
        let bare = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if let Some(kind) = kind_of(bare) {
            let end = begin + bare.chars().count();
            detected.push(Sensitive { kind, begin, end });
        }
        begin += length + 1;
    }
    detected
}

fn kind_of(word: &str) -> Option<&'static str> {
    let is_email = word
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if is_email {
        Some("EMAIL")
    } else if word.starts_with("https://") || word.starts_with("http://") {
        Some("URL")
    } else if word.parse::<std::net::Ipv4Addr>().is_ok() {
        Some("IP_ADDRESS")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitive_information_is_detected_by_pattern() {
        let detected = sensitive("Größe an é@b.ch, dann 10.0.0.1");
        let email = Sensitive {
            kind: "EMAIL",
            begin: 9,
            end: 15,
        };
        let address = Sensitive {
            kind: "IP_ADDRESS",
            begin: 22,
            end: 30,
        };
        assert_eq!(detected, [email, address]);
    }
}
