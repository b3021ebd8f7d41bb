//! The input of a custom tool call: the model on Bedrock writes `{"input":"…"}`, and the client
//! receives the string, decoded while it streams.

/// Decodes the string `input` of arguments that arrive in fragments.
///
/// Arguments of another form are emitted unchanged at the end of the call. Text after the string is
/// discarded; valid arguments have only the closing brace there. A string may be cut off at any
/// character.
#[derive(Debug, Default)]
pub(crate) struct InputUnescape {
    position: EscapePosition,
    /// Arguments whose form is undecided or other.
    raw: String,
    /// An incomplete escape, starting with `\`. A `\u` escape has up to 12 characters if it is the
    /// first of a surrogate pair.
    escape: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum EscapePosition {
    /// Before the string.
    #[default]
    Start,
    InString,
    /// After the string.
    Done,
    /// The arguments have another form.
    Other,
}

/// The form of the arguments, by their beginning.
enum ArgumentsForm<'a> {
    Undecided,
    Other,
    /// `{"input":"` and the beginning of the string.
    Input(&'a str),
}

/// A decoded escape.
enum Escape {
    Incomplete,
    Character(char),
    /// An unpaired surrogate (`\u` and four digits): decoded as U+FFFD, then the characters after
    /// it are decoded.
    Broken,
    /// Not a JSON escape: kept unchanged.
    Unknown,
}

impl InputUnescape {
    /// Adds the next fragment and passes the decoded text to `out`, unless it is empty.
    pub(crate) fn push(&mut self, fragment: &str, out: &mut impl FnMut(&str)) {
        match self.position {
            EscapePosition::Start => {
                self.raw.push_str(fragment);
                let raw = std::mem::take(&mut self.raw);
                match form(&raw) {
                    ArgumentsForm::Undecided => self.raw = raw,
                    ArgumentsForm::Other => {
                        self.position = EscapePosition::Other;
                        self.raw = raw;
                    }
                    ArgumentsForm::Input(string) => {
                        self.position = EscapePosition::InString;
                        self.decode(string, out);
                    }
                }
            }
            EscapePosition::InString => self.decode(fragment, out),
            EscapePosition::Other => self.raw.push_str(fragment),
            EscapePosition::Done => {}
        }
    }

    /// Ends the call and emits arguments of another form.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(&str)) {
        if !self.raw.is_empty() {
            out(&self.raw);
        }
        *self = Self::default();
    }

    fn decode(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        let mut decoded = String::with_capacity(text.len());
        for character in text.chars() {
            if !self.take(character, &mut decoded) {
                self.position = EscapePosition::Done;
                break;
            }
        }
        if !decoded.is_empty() {
            out(&decoded);
        }
    }

    /// Decodes one character of the string. Returns `false` at the end of the string.
    fn take(&mut self, character: char, decoded: &mut String) -> bool {
        if self.escape.is_empty() {
            match character {
                '"' => return false,
                '\\' => self.escape.push('\\'),
                _ => decoded.push(character),
            }
            return true;
        }
        self.escape.push(character);
        match escape(&self.escape) {
            Escape::Incomplete => true,
            Escape::Character(unescaped) => {
                self.escape.clear();
                decoded.push(unescaped);
                true
            }
            Escape::Unknown => {
                decoded.push_str(&std::mem::take(&mut self.escape));
                true
            }
            Escape::Broken => {
                decoded.push(char::REPLACEMENT_CHARACTER);
                let after: String = self.escape.chars().skip(6).collect();
                self.escape.clear();
                after.chars().all(|c| self.take(c, decoded))
            }
        }
    }
}

/// Parses `{"input":"` with optional white space between the tokens.
fn form(text: &str) -> ArgumentsForm<'_> {
    let mut rest = text;
    for token in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        match rest.strip_prefix(token) {
            Some(after) => rest = after,
            None if token.starts_with(rest) => return ArgumentsForm::Undecided,
            None => return ArgumentsForm::Other,
        }
    }
    ArgumentsForm::Input(rest)
}

/// Decodes `text`, which begins with `\` and may be incomplete.
fn escape(text: &str) -> Escape {
    let mut characters = text.chars().skip(1);
    let unescaped = match characters.next() {
        None => return Escape::Incomplete,
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some(same @ ('"' | '\\' | '/')) => same,
        Some('u') => return code_unit_escape(text),
        Some(_) => return Escape::Unknown,
    };
    Escape::Character(unescaped)
}

/// Decodes one or two `\uXXXX`, which may be incomplete.
fn code_unit_escape(text: &str) -> Escape {
    let (first, second) = text.split_at_checked(6).unwrap_or((text, ""));
    let Some(first) = code_unit(first) else {
        return incomplete_or(first, Escape::Unknown);
    };
    if let Some(unescaped) = char::from_u32(first.into()) {
        return Escape::Character(unescaped);
    }
    if !(0xD800..0xDC00).contains(&first) {
        return Escape::Broken;
    }
    let Some(second) = code_unit(second) else {
        return incomplete_or(second, Escape::Broken);
    };
    match char::decode_utf16([first, second]).next() {
        Some(Ok(unescaped)) => Escape::Character(unescaped),
        _ => Escape::Broken,
    }
}

/// The code unit of a complete `\uXXXX`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u").filter(|d| d.len() == 4)?;
    let is_number = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_number)
}

fn incomplete_or(text: &str, otherwise: Escape) -> Escape {
    let is_beginning = match text.strip_prefix("\\u") {
        Some(digits) => digits.len() < 4 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => "\\u".starts_with(text),
    };
    if is_beginning {
        Escape::Incomplete
    } else {
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text emitted for these fragments.
    fn decoded(fragments: &[&str]) -> Vec<String> {
        let mut unescape = InputUnescape::default();
        let mut decoded = Vec::new();
        for fragment in fragments {
            unescape.push(fragment, &mut |text| decoded.push(text.to_owned()));
        }
        unescape.finish(&mut |text| decoded.push(text.to_owned()));
        decoded
    }

    fn characters(text: &str) -> Vec<&str> {
        text.split_inclusive(|_| true).collect()
    }

    /// The arguments as written by JSON encoders that escape all characters.
    fn in_ascii(text: &str) -> String {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
        format!(r#"{{"input":"{}"}}"#, units.collect::<String>())
    }

    #[test]
    fn the_unescaped_string_is_streamed() {
        assert_eq!(
            decoded(&[
                "",
                "{\"in",
                "put\": \"",
                "ls -",
                "l\\",
                "n",
                "\\u00e",
                "9",
                "\"}"
            ]),
            ["ls -", "l", "\n", "é"]
        );
    }

    #[test]
    fn arguments_of_another_type_are_unchanged() {
        for arguments in [
            "",
            "{}",
            r#"{"inputs":"a"}"#,
            r#"{"input":1}"#,
            "\"a\"",
            "ls",
        ] {
            assert_eq!(decoded(&[arguments]).concat(), arguments);
            assert_eq!(decoded(&characters(arguments)).concat(), arguments);
        }
    }

    #[test]
    fn invalid_json_escapes_are_kept() {
        for (arguments, expected) in [
            (r#"{"input":"a"#, "a"),
            (r#"{"input":"a\"#, "a"),
            (r#"{"input":"a","more":"b"}"#, "a"),
            (r#"{"input":"\q\u12x"}"#, "\\q\\u12x"),
            (r#"{"input":"\ud83d!"}"#, "\u{fffd}!"),
            (r#"{"input":"\ud83d"}"#, "\u{fffd}"),
            (r#"{"input":"\ud83d\n"}"#, "\u{fffd}\n"),
            (r#"{"input":"\udc4b"}"#, "\u{fffd}"),
            (r#"{"input":"\ud83d\ud83d\udc4b"}"#, "\u{fffd}👋"),
            (r#"{"input":"\ud83dü"}"#, "\u{fffd}ü"),
        ] {
            assert_eq!(decoded(&[arguments]).concat(), expected, "{arguments}");
            let one_by_one = decoded(&characters(arguments)).concat();
            assert_eq!(one_by_one, expected, "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn every_string_is_unescaped(text in any::<String>(), cuts in proptest::collection::vec(0usize..64, 0..6)) {
            let compact = serde_json::json!({ "input": text }).to_string();
            let spaced = compact.replacen("{\"input\":", "{ \"input\" :\n", 1);
            for arguments in [compact, spaced, in_ascii(&text)] {
                let mut fragments: Vec<&str> = Vec::new();
                let mut rest = arguments.as_str();
                for cut in &cuts {
                    if let Some((fragment, after)) = rest.split_at_checked(*cut) {
                        fragments.push(fragment);
                        rest = after;
                    }
                }
                fragments.push(rest);
                prop_assert_eq!(&decoded(&fragments).concat(), &text);
                prop_assert_eq!(&decoded(&characters(&arguments)).concat(), &text);
            }
        }

        #[test]
        fn fragment_boundaries_do_not_matter(string in "[\"\\\\udDcC8n3 ü]{0,24}") {
            let arguments = format!("{{\"input\":\"{string}");
            prop_assert_eq!(decoded(&[&arguments]).concat(), decoded(&characters(&arguments)).concat());
        }
    }
}
