//! Extracts JSON from the text of a JSON response: models put it in Markdown fences, or write prose
//! before the tool call that carries it.

use serde::de::IgnoredAny;

use crate::converse::json::end::JsonEnd;

/// The handling of text that does not begin with JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prose {
    /// Emit it: the response is this text.
    PassThrough,
    /// Hold it: a tool call with the JSON may follow.
    Hold,
    /// Discard it, and the text after the JSON; if there is no JSON, emit all of it.
    Discard,
}

/// Removes the fences while the text streams, with the white space inside them. Text without fences
/// is unchanged, byte for byte.
///
/// An opening fence is three backticks at the beginning of the text, optionally followed by `json`,
/// before an object or an array. A closing fence is three backticks at the end of the text; it is
/// removed only after an opening fence. The filter holds the first characters while they may be a
/// fence (``` ```json``` and white space), and, after an opening fence, trailing white space and
/// backticks.
#[derive(Debug)]
pub(crate) struct FenceFilter {
    prose: Prose,
    position: FencePosition,
    held: String,
    value: JsonEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FencePosition {
    Start,
    /// After an opening fence.
    Fenced,
    /// Inside a JSON value; the text after it is discarded.
    Value,
    /// All further text is emitted.
    Passing,
    /// All further text is held.
    Holding,
    /// All further text is discarded.
    Dropping,
}

/// The kind of text, by its first characters.
enum Beginning {
    Undecided,
    Json,
    /// Fenced JSON, which begins after this number of bytes.
    Fence(usize),
    Prose,
}

impl FenceFilter {
    pub(crate) fn new(prose: Prose) -> Self {
        Self {
            prose,
            position: FencePosition::Start,
            held: String::new(),
            value: JsonEnd::default(),
        }
    }

    /// Adds the next fragment and passes the text that is decided to `out`, which is never empty.
    pub(crate) fn push(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        match self.position {
            FencePosition::Start => {
                self.held.push_str(text);
                self.begin(out);
            }
            FencePosition::Fenced => self.within_fences(text, out),
            FencePosition::Value => self.within_value(text, out),
            FencePosition::Passing => emit(text, out),
            FencePosition::Holding => self.held.push_str(text),
            FencePosition::Dropping => {}
        }
    }

    /// Emits the held text, at the end of the message or before a tool call that does not carry the
    /// JSON. Text after it is emitted unchanged.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(&str)) {
        let held = std::mem::take(&mut self.held);
        let fenced = self.position == FencePosition::Fenced;
        if self.prose == Prose::Discard {
            emit(json_within(&held).unwrap_or(&held), out);
            if self.position != FencePosition::Dropping {
                self.position = FencePosition::Passing;
            }
            return;
        }
        match held.trim_end().strip_suffix("```").filter(|_| fenced) {
            Some(before_fence) => emit(before_fence.trim_end(), out),
            None => emit(&held, out),
        }
        if self.position != FencePosition::Dropping {
            self.position = FencePosition::Passing;
        }
    }

    /// Discards the held text and all further text: a tool call carries the JSON.
    pub(crate) fn discard(&mut self) {
        self.held.clear();
        self.position = FencePosition::Dropping;
    }

    fn begin(&mut self, out: &mut impl FnMut(&str)) {
        match beginning(&self.held) {
            Beginning::Undecided => {}
            Beginning::Fence(length) if self.prose == Prose::Discard => {
                self.position = FencePosition::Value;
                let body = self.held.split_off(length);
                self.held.clear();
                self.within_value(&body, out);
            }
            Beginning::Json if self.prose == Prose::Discard => {
                self.position = FencePosition::Value;
                let body = std::mem::take(&mut self.held);
                self.within_value(body.trim_start(), out);
            }
            Beginning::Fence(length) => {
                self.position = FencePosition::Fenced;
                let body = self.held.split_off(length);
                self.held.clear();
                self.within_fences(&body, out);
            }
            Beginning::Prose if self.prose != Prose::PassThrough => {
                self.position = FencePosition::Holding
            }
            Beginning::Json | Beginning::Prose => {
                self.position = FencePosition::Passing;
                emit(&std::mem::take(&mut self.held), out);
            }
        }
    }

    /// Emits `text` up to the end of the value.
    fn within_value(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        match self.value.find(text) {
            None => emit(text, out),
            Some(end) => {
                emit(text.split_at(end).0, out);
                self.position = FencePosition::Dropping;
            }
        }
    }

    /// Emits `text` up to a possible closing fence.
    fn within_fences(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        let body = text.trim_end_matches(|c: char| c == '`' || c.is_whitespace());
        if !body.is_empty() {
            emit(&std::mem::take(&mut self.held), out);
            emit(body, out);
        }
        let (_, tail) = text.split_at(body.len());
        self.held.push_str(tail);
    }
}

/// The first object in a text, otherwise the first array. The number of attempts is limited: each
/// may read to the end of the text.
fn json_within(text: &str) -> Option<&str> {
    const MAX_ATTEMPTS: usize = 64;
    ['{', '['].into_iter().find_map(|start| {
        let candidates = text.match_indices(start).take(MAX_ATTEMPTS);
        let mut values = candidates.filter_map(|(position, _)| {
            let rest = text.split_at(position).1;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            values.next()?.ok()?;
            Some(rest.split_at(values.byte_offset()).0)
        });
        values.next()
    })
}

fn beginning(text: &str) -> Beginning {
    let body = text.trim_start();
    if body.starts_with(['{', '[']) {
        return Beginning::Json;
    }
    let Some(after) = body.strip_prefix("```") else {
        if "```".starts_with(body) {
            return Beginning::Undecided;
        }
        return Beginning::Prose;
    };
    let language = after.bytes().zip(b"json");
    let same = language.take_while(|(a, b)| a.eq_ignore_ascii_case(b));
    let value = match same.count() {
        4 => after.split_at(4).1,
        shorter if shorter > 0 && shorter == after.len() => return Beginning::Undecided,
        _ => after,
    };
    let value = value.trim_start();
    if value.is_empty() {
        Beginning::Undecided
    } else if value.starts_with(['{', '[']) {
        Beginning::Fence(text.len() - value.len())
    } else {
        Beginning::Prose
    }
}

fn emit(text: &str, out: &mut impl FnMut(&str)) {
    if !text.is_empty() {
        out(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The text emitted for these fragments.
    fn emitted(prose: Prose, fragments: &[&str]) -> Vec<String> {
        let mut filter = FenceFilter::new(prose);
        let mut emitted = Vec::new();
        for fragment in fragments {
            filter.push(fragment, &mut |text| emitted.push(text.to_owned()));
        }
        filter.finish(&mut |text| emitted.push(text.to_owned()));
        emitted
    }

    #[test]
    fn fences_around_json_are_taken_away() {
        for text in [
            "```json\n{\"a\": 1}\n```",
            "\n```json\r\n{\"a\": 1}\r\n```\n",
            "```\n{\"a\": 1}```",
            "```json{\"a\": 1}",
        ] {
            assert_eq!(
                emitted(Prose::PassThrough, &[text]).concat(),
                "{\"a\": 1}",
                "{text}"
            );
        }
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in [
            "{\"a\": \"```\"}\n",
            " [1]```",
            "Here:\n```json\n{}\n```",
            "```python\n{}\n```",
            "``` json {}\n```",
            "```json\n",
            "``",
            " ",
            "",
        ] {
            for prose in [Prose::PassThrough, Prose::Hold] {
                assert_eq!(emitted(prose, &[text]).concat(), text, "{text}");
            }
        }
    }

    #[test]
    fn only_possible_fences_are_held() {
        assert_eq!(
            emitted(
                Prose::PassThrough,
                &["``", "`js", "on\n", "{", "\"a`", "b\":", " 1}", "\n``", "`"]
            ),
            ["{", "\"a", "`", "b\":", " 1}"]
        );
        assert_eq!(
            emitted(Prose::PassThrough, &["I", " think"]),
            ["I", " think"]
        );
        assert_eq!(emitted(Prose::Hold, &[" {", "}"]), [" {", "}"]);
    }

    #[test]
    fn prose_around_the_tool_call_with_the_json_is_discarded() {
        let mut filter = FenceFilter::new(Prose::Hold);
        let mut emitted = Vec::new();
        let mut out = |text: &str| emitted.push(text.to_owned());
        filter.push("I will answer", &mut out);
        filter.discard();
        filter.push("There it is.", &mut out);
        filter.finish(&mut out);
        filter.push("Is that all?", &mut out);
        assert!(emitted.is_empty(), "{emitted:?}");
    }

    #[test]
    fn prose_without_a_tool_call_is_emitted() {
        assert_eq!(
            emitted(Prose::Hold, &["I cannot", " do that."]),
            ["I cannot do that."]
        );
    }

    #[test]
    fn text_around_prompted_json_is_discarded() {
        for (text, expected) in [
            ("{\"a\": \"}{\\\"\"} That is it.", "{\"a\": \"}{\\\"\"}"),
            ("```json\n{\"a\": [1]}\n```\nThat is it.", "{\"a\": [1]}"),
            ("Here {it} is [1]:\n```json\n{\"a\": 1}\n```", "{\"a\": 1}"),
            ("The list: [1, 2].", "[1, 2]"),
            ("I cannot do {that}.", "I cannot do {that}."),
            ("{\"a\": \"cut of", "{\"a\": \"cut of"),
            ("", ""),
        ] {
            assert_eq!(
                emitted(Prose::Discard, &[text]).concat(),
                expected,
                "{text}"
            );
        }
        // JSON is emitted without delay.
        let fragments = ["{\"a\"", ": 1", "} so"];
        assert_eq!(emitted(Prose::Discard, &fragments), ["{\"a\"", ": 1", "}"]);
    }

    proptest! {
        #[test]
        fn fragment_boundaries_do_not_matter(
            fragments in proptest::collection::vec("(```json\n|```|[`json{}\\[ \nü]{0,5})", 0..8),
        ) {
            let fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
            let whole = fragments.concat();
            let characters: Vec<&str> = whole.split_inclusive(|_| true).collect();
            for prose in [Prose::PassThrough, Prose::Hold, Prose::Discard] {
                let expected = emitted(prose, &[&whole]).concat();
                prop_assert_eq!(&emitted(prose, &fragments).concat(), &expected);
                prop_assert_eq!(&emitted(prose, &characters).concat(), &expected);
            }
        }

        #[test]
        fn fenced_json_is_unchanged(
            text in any::<String>(),
            language in "(json|JSON|)",
            space in "[ \n]{0,3}",
        ) {
            let json = serde_json::json!({ "a": text, "b": ["```"] }).to_string();
            let fenced = format!("{space}```{language}{space}{json}{space}```{space}");
            for prose in [Prose::PassThrough, Prose::Hold, Prose::Discard] {
                prop_assert_eq!(&emitted(prose, &[&fenced]).concat(), &json);
            }
        }

        #[test]
        fn text_without_a_fence_is_unchanged(text in "[^`]{0,40}") {
            for prose in [Prose::PassThrough, Prose::Hold] {
                prop_assert_eq!(&emitted(prose, &[&text]).concat(), &text);
            }
        }
    }
}
