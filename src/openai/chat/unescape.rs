//! The text of a custom tool's call: Bedrock's model writes `{"input":"…"}`, the client gets the
//! string itself, decoded while it streams.

/// Decodes the member `input` of arguments that arrive in fragments.
///
/// Arguments of another form are given out as they are, when the call is over. What stands behind
/// the string is not given out: nothing does where the form is kept. A string that is cut off ends
/// where it was cut.
#[derive(Debug, Default)]
pub(super) struct InputUnescape {
    position: EscapePosition,
    /// Arguments that are not yet known to have the form.
    raw: String,
    /// An escape that is not whole, from its `\` on: one of `\u` is up to 12 characters long,
    /// where it is the first of a pair.
    escape: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum EscapePosition {
    /// In front of the string.
    #[default]
    Start,
    InString,
    /// Behind the string.
    Done,
    /// The arguments have another form.
    Other,
}

/// What the beginning of the arguments says about their form.
enum ArgumentsForm<'a> {
    Undecided,
    Other,
    /// The form is kept; the string begins here.
    Input(&'a str),
}

/// What an escape means.
enum Escape {
    Incomplete,
    Character(char),
    /// The first of a pair that goes on otherwise, which says nothing: U+FFFD in its place, then
    /// what stands behind it (`\u` and four digits).
    Broken,
    /// Not an escape of JSON: it stays as it is.
    Unknown,
}

impl InputUnescape {
    /// Takes the next fragment; what it decodes to is given to `out`, unless it is empty.
    pub(super) fn push(&mut self, fragment: &str, out: &mut impl FnMut(&str)) {
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

    /// The call is over: arguments of another form are given out.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&str)) {
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

    /// Takes one character of the string; whether the string goes on behind it.
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

/// Reads `{"input":"` with white space between its tokens.
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

/// What `text`, which begins with `\`, means so far.
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

/// What `\uXXXX`, or two of them, mean so far.
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

/// The number of a whole `\uXXXX`.
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

    /// What is given out for these fragments.
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

    /// As JSON encoders write that keep to ASCII.
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
