//! Removes the operator's identifiers from Bedrock's messages: ARNs, account ids and hosts.

/// `message` without ARNs that hold an account id, without account ids and without AWS hosts.
pub fn scrub(message: &str) -> String {
    let mut clean = String::with_capacity(message.len());
    let mut word = String::new();
    for character in message.chars() {
        if belongs_to_word(character) {
            word.push(character);
        } else {
            push_word(&mut clean, &word);
            word.clear();
            clean.push(character);
        }
    }
    push_word(&mut clean, &word);
    clean
}

fn belongs_to_word(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || matches!(character, ':' | '/' | '-' | '_' | '.' | '+' | '@')
}

fn push_word(clean: &mut String, word: &str) {
    // A trailing full stop or colon is not part of the name.
    let name = word.trim_end_matches(['.', ':']);
    let punctuation = word.get(name.len()..).unwrap_or_default();
    if name.starts_with("arn:") {
        clean.push_str("[arn]");
    } else if name.contains(".amazonaws.com") || name.ends_with(".api.aws") {
        clean.push_str("[host]");
    } else if has_account_id(name) {
        clean.push_str("[account]");
    } else {
        clean.push_str(name);
    }
    clean.push_str(punctuation);
}

/// Whether `name` contains a run of exactly twelve digits.
fn has_account_id(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_identifiers_are_removed() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/prod-gateway/i-0abc is not \
                       authorized to perform: bedrock:InvokeModel on resource: \
                       arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0 in \
                       account 123456789012 at bedrock-runtime.us-east-1.amazonaws.com.";
        assert_eq!(
            scrub(message),
            "User: [arn] is not authorized to perform: bedrock:InvokeModel on resource: [arn] in \
             account [account] at [host]."
        );
    }

    #[test]
    fn details_useful_to_the_client_are_kept() {
        let message = "The model returned the following errors: messages.2.content.0.text: Field \
                       required (anthropic.claude-sonnet-4-5-20250929-v1:0)";
        assert_eq!(scrub(message), message);
    }
}
