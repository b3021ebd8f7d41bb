//! Judgements of content beside a conversation: InvokeGuardrailChecks and ApplyGuardrail.
//!
//! What is harmful is told by words: none gives 0, one 0.6, two 0.8, and three or more 1.

mod applied;
mod checks;

pub(crate) use applied::response as applied;
pub(crate) use checks::response as checks;

/// Characters that make a unit of billing.
const UNIT: usize = 1000;

/// Kinds of harmful content, each with the words that are taken for it.
const HARMFUL: [(&str, &[&str]); 5] = [
    ("VIOLENCE", &["kill", "murder", "bomb", "stab"]),
    ("HATE", &["hate", "vermin", "subhuman"]),
    ("SEXUAL", &["sex", "nude", "porn"]),
    ("MISCONDUCT", &["steal", "launder", "counterfeit"]),
    ("INSULTS", &["idiot", "moron", "stupid"]),
];

/// Attacks on a model's instructions.
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

/// How many of the words occur, in whatever case.
fn count(text: &str, words: &[&str]) -> usize {
    let text = text.to_lowercase();
    words.iter().filter(|word| text.contains(**word)).count()
}

/// The words of the kind `name` among `kinds`.
fn words(kinds: &[(&str, &'static [&'static str])], name: &str) -> &'static [&'static str] {
    let kind = kinds.iter().find(|(kind, _)| *kind == name);
    kind.map_or(&[], |(_, words)| words)
}

/// The units of billing of a text.
fn units(text: &str) -> usize {
    text.chars().count().div_ceil(UNIT)
}

/// A piece of sensitive information: its kind, and its first and behind its last character.
#[derive(Debug, PartialEq, Eq)]
struct Sensitive {
    kind: &'static str,
    begin: usize,
    end: usize,
}

/// Electronic addresses, the web's, and those of machines; more is not looked for.
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
