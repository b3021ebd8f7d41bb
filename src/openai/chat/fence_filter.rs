//! Text that should be one JSON value: models put it between Markdown fences, or say something
//! before they answer by a call.

use serde::de::IgnoredAny;

/// What becomes of text that does not begin like JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prose {
    /// It passes: the answer is this text, whatever it is.
    PassThrough,
    /// It is held: a call may follow that is the answer.
    Hold,
    /// It is left out, with all that stands behind the JSON, as far as there is JSON.
    Discard,
}

/// Takes the fences away while the text streams. White space within them goes with them; text
/// without fences comes through byte for byte.
///
/// The opening fence is three backticks at the beginning of the text, with `json` behind them or
/// nothing, and then an object or an array; the closing one is three backticks at its end, and
/// only where there was an opening one. Held back are the first characters, as long as they may
/// be a fence (``` ```json``` and white space), and behind an opening fence white space and
/// backticks.
#[derive(Debug)]
pub(super) struct FenceFilter {
    prose: Prose,
    position: FencePosition,
    held: String,
    value: JsonEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FencePosition {
    Start,
    /// Behind an opening fence.
    Fenced,
    /// Within a value behind which nothing passes.
    Value,
    /// All that comes passes.
    Passing,
    /// All that comes is held.
    Holding,
    /// All that comes is dropped.
    Dropping,
}

/// How a text begins.
enum Beginning {
    Undecided,
    Json,
    /// The JSON begins after so many bytes.
    Fence(usize),
    Prose,
}

impl FenceFilter {
    pub(super) fn new(prose: Prose) -> Self {
        Self {
            prose,
            position: FencePosition::Start,
            held: String::new(),
            value: JsonEnd::default(),
        }
    }

    /// Takes the next piece and gives `out` what is known by now; nothing empty.
    pub(super) fn push(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        match self.position {
            FencePosition::Start => {
                self.held.push_str(text);
                self.begin(out);
            }
            FencePosition::Fenced => self.within_fences(text, out),
            FencePosition::Value => self.within_value(text, out),
            FencePosition::Passing => give(text, out),
            FencePosition::Holding => self.held.push_str(text),
            FencePosition::Dropping => {}
        }
    }

    /// The message is over, or a call begins that is not the answer: what was held is given out.
    /// What may come after passes.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&str)) {
        let held = std::mem::take(&mut self.held);
        let fenced = self.position == FencePosition::Fenced;
        if self.prose == Prose::Discard {
            give(json_within(&held).unwrap_or(&held), out);
            if self.position != FencePosition::Dropping {
                self.position = FencePosition::Passing;
            }
            return;
        }
        match held.trim_end().strip_suffix("```").filter(|_| fenced) {
            Some(before_fence) => give(before_fence.trim_end(), out),
            None => give(&held, out),
        }
        if self.position != FencePosition::Dropping {
            self.position = FencePosition::Passing;
        }
    }

    /// The answer comes as a call: neither what was held nor what may come after is part of it.
    pub(super) fn discard(&mut self) {
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
                give(&std::mem::take(&mut self.held), out);
            }
        }
    }

    /// Passes `text` up to the end of the value.
    fn within_value(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        match self.value.find(text) {
            None => give(text, out),
            Some(end) => {
                give(text.split_at(end).0, out);
                self.position = FencePosition::Dropping;
            }
        }
    }

    /// Passes `text` up to what may be the closing fence.
    fn within_fences(&mut self, text: &str, out: &mut impl FnMut(&str)) {
        let body = text.trim_end_matches(|c: char| c == '`' || c.is_whitespace());
        if !body.is_empty() {
            give(&std::mem::take(&mut self.held), out);
            give(body, out);
        }
        let (_, tail) = text.split_at(body.len());
        self.held.push_str(tail);
    }
}

/// Finds where an object or an array ends, piece by piece.
#[derive(Debug, Default)]
struct JsonEnd {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl JsonEnd {
    /// Where in the next piece the value ends, if it does; always between two characters.
    fn find(&mut self, text: &str) -> Option<usize> {
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(position + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The first object within a text, or else the first array. Only so many places are tried: each
/// may be read to the end of the text.
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

fn give(text: &str, out: &mut impl FnMut(&str)) {
    if !text.is_empty() {
        out(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is given out for these pieces.
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
    fn little_is_held_back() {
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
    fn prose_before_the_call_that_is_the_answer_is_dropped() {
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
    fn prose_without_such_a_call_is_the_answer() {
        assert_eq!(
            emitted(Prose::Hold, &["I cannot", " do that."]),
            ["I cannot do that."]
        );
    }

    #[test]
    fn what_stands_around_json_that_was_asked_for_in_words_is_left_out() {
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
        // Nothing of it waits.
        let fragments = ["{\"a\"", ": 1", "} so"];
        assert_eq!(emitted(Prose::Discard, &fragments), ["{\"a\"", ": 1", "}"]);
    }

    proptest! {
        #[test]
        fn the_splitting_into_pieces_does_not_matter(
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
        fn json_between_fences_comes_out_exactly(
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
