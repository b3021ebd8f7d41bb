//! Separates reasoning that a model writes into its text, between `<thinking>` and `</thinking>`,
//! from the content while the text streams.
//!
//! Only white space and other sections can precede a reasoning section: in all recordings the tag
//! appears only there (Nova 1 before its tool calls and its content, conv-nova-611b91f8,
//! convs-nova-844a5c56; gpt-oss with several sections in a row, invs-gpt-oss-a31fbcbe). A tag after
//! the start of the content is part of it, for example if a model explains XML.

/// A section of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextSection<'a> {
    /// The text between the tags, unchanged.
    Reasoning(&'a str),
    /// The content, without the white space around the reasoning sections.
    Content(&'a str),
}

/// The meaning of the text after an opening tag without a closing tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnclosedTag {
    /// Reasoning that was cut off, as Nova's at the token limit. It is emitted immediately.
    Reasoning,
    /// Content: Kimi's reasoning has its own blocks, and a stray tag can remain in the text
    /// (conv-moonshot-25df26ca). The text is held until the closing tag or the end of the block.
    Content,
}

/// Splits the text of one block, which ends with [`finish`](Self::finish).
#[derive(Debug)]
pub(crate) struct TagSplitter {
    open: String,
    close: String,
    unclosed: UnclosedTag,
    position: TagPosition,
    /// Text that may be the beginning of a tag.
    held: String,
    /// The text of the open section, if it is held until its end.
    section: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagPosition {
    /// At the start: only white space so far.
    Start,
    Section,
    /// After a closing tag: white space is not part of the content.
    Between,
    Content,
}

impl TagSplitter {
    /// A splitter for the tags `<tag>` and `</tag>`.
    pub(crate) fn new(tag: &str, unclosed: UnclosedTag) -> Self {
        Self {
            open: format!("<{tag}>"),
            close: format!("</{tag}>"),
            unclosed,
            position: TagPosition::Start,
            held: String::new(),
            section: String::new(),
        }
    }

    /// Adds the next fragment of the block and passes the sections that are decided to `out`. No
    /// section is empty.
    pub(crate) fn push(&mut self, text: &str, out: &mut impl FnMut(TextSection<'_>)) {
        if self.position == TagPosition::Content {
            emit(TextSection::Content, text, out);
            return;
        }
        let mut text = std::mem::take(&mut self.held) + text;
        loop {
            let rest = match self.position {
                TagPosition::Start | TagPosition::Between => self.before_content(text, out),
                TagPosition::Section => self.in_section(text, out),
                TagPosition::Content => {
                    emit(TextSection::Content, &text, out);
                    None
                }
            };
            match rest {
                Some(rest) => text = rest,
                None => return,
            }
        }
    }

    /// Ends the block and emits the held text. The next fragment begins a new block.
    pub(crate) fn finish(&mut self, out: &mut impl FnMut(TextSection<'_>)) {
        let held = std::mem::take(&mut self.held);
        let section = std::mem::take(&mut self.section);
        match (self.position, self.unclosed) {
            (TagPosition::Section, UnclosedTag::Reasoning) => {
                emit(TextSection::Reasoning, &held, out)
            }
            (TagPosition::Section, UnclosedTag::Content) => {
                emit(TextSection::Content, (section + &held).trim_start(), out);
            }
            (TagPosition::Between, _) => emit(TextSection::Content, held.trim_start(), out),
            (TagPosition::Start | TagPosition::Content, _) => {
                emit(TextSection::Content, &held, out)
            }
        }
        self.position = TagPosition::Start;
    }

    /// Looks for a tag before the content. Returns the text that remains to be split.
    fn before_content(
        &mut self,
        text: String,
        out: &mut impl FnMut(TextSection<'_>),
    ) -> Option<String> {
        let body = text.trim_start();
        if let Some(rest) = body.strip_prefix(self.open.as_str()) {
            self.position = TagPosition::Section;
            return Some(rest.to_owned());
        }
        // A stray closing tag is removed.
        if let Some(rest) = body.strip_prefix(self.close.as_str()) {
            self.position = TagPosition::Between;
            return Some(rest.to_owned());
        }
        if self.open.starts_with(body) || self.close.starts_with(body) {
            self.held = text;
            return None;
        }
        let content = match self.position {
            TagPosition::Between => body,
            _ => &text,
        };
        emit(TextSection::Content, content, out);
        self.position = TagPosition::Content;
        None
    }

    /// Looks for the end of the section. Returns the text after it.
    fn in_section(
        &mut self,
        text: String,
        out: &mut impl FnMut(TextSection<'_>),
    ) -> Option<String> {
        if let Some((reasoning, rest)) = text.split_once(self.close.as_str()) {
            let reasoning = std::mem::take(&mut self.section) + reasoning;
            emit(TextSection::Reasoning, &reasoning, out);
            self.position = TagPosition::Between;
            return Some(rest.to_owned());
        }
        let kept = text.len() - beginning_at_end(&text, &self.close);
        let (reasoning, held) = text.split_at(kept);
        match self.unclosed {
            UnclosedTag::Reasoning => emit(TextSection::Reasoning, reasoning, out),
            UnclosedTag::Content => self.section.push_str(reasoning),
        }
        self.held = held.to_owned();
        None
    }
}

fn emit<'a>(
    section: fn(&'a str) -> TextSection<'a>,
    text: &'a str,
    out: &mut impl FnMut(TextSection<'_>),
) {
    if !text.is_empty() {
        out(section(text));
    }
}

/// The number of bytes at the end of `text` that are the beginning of `tag`.
fn beginning_at_end(text: &str, tag: &str) -> usize {
    let beginnings = tag.char_indices().map(|(end, _)| tag.split_at(end).0);
    beginnings
        .rev()
        .find(|beginning| text.ends_with(beginning))
        .map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The reasoning and the content of a block that arrives in these fragments.
    fn split(unclosed: UnclosedTag, tag: &str, fragments: &[&str]) -> (String, String) {
        let mut splitter = TagSplitter::new(tag, unclosed);
        let (mut reasoning, mut content) = (String::new(), String::new());
        let mut out = |part: TextSection<'_>| match part {
            TextSection::Reasoning(text) => reasoning.push_str(text),
            TextSection::Content(text) => content.push_str(text),
        };
        for fragment in fragments {
            splitter.push(fragment, &mut out);
        }
        splitter.finish(&mut out);
        (reasoning, content)
    }

    #[test]
    fn recorded_reasoning_formats_are_separated() {
        for (tag, text, reasoning, content) in [
            // conv-nova-7215dbb8, before two calls
            (
                "thinking",
                "<thinking> I will use it. </thinking>\n",
                " I will use it. ",
                "",
            ),
            // conv-nova-611b91f8
            (
                "thinking",
                "\n<thinking> It is 30.</thinking>\nIt was 30°C.",
                " It is 30.",
                "It was 30°C.",
            ),
            // conv-unknown-c52ad715
            (
                "thinking",
                "<thinking> Now.</thinking> \n\nThe game",
                " Now.",
                "The game",
            ),
            // inv-gpt-oss-18cedd87
            (
                "reasoning",
                "<reasoning>Greet.</reasoning>Hello! 👋",
                "Greet.",
                "Hello! 👋",
            ),
            // invs-gpt-oss-d6a46d29, two sections
            (
                "reasoning",
                "<reasoning>Use</reasoning><reasoning> it.</reasoning>",
                "Use it.",
                "",
            ),
            // cut off at the token limit
            (
                "thinking",
                "<thinking>I was abou</thin",
                "I was abou</thin",
                "",
            ),
        ] {
            assert_eq!(
                split(UnclosedTag::Reasoning, tag, &[text]),
                (reasoning.to_owned(), content.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_stray_kimi_tag_is_removed() {
        for (text, reasoning, content) in [
            // conv-moonshot-25df26ca
            (
                " <think> The temperature in London is 30°C.",
                "",
                "The temperature in London is 30°C.",
            ),
            ("</think>\n\nIt is 30.", "", "It is 30."),
            ("<think>Hm.</think>It is 30.", "Hm.", "It is 30."),
        ] {
            assert_eq!(
                split(UnclosedTag::Content, "think", &[text]),
                (reasoning.to_owned(), content.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_tag_within_the_content_is_kept() {
        let text = "Write:\n<thinking>x</thinking>\nso.";
        assert_eq!(
            split(UnclosedTag::Reasoning, "thinking", &[text]),
            (String::new(), text.to_owned())
        );
    }

    #[test]
    fn text_that_cannot_become_the_tag_is_emitted_immediately() {
        let mut splitter = TagSplitter::new("thinking", UnclosedTag::Reasoning);
        let mut sections = Vec::new();
        for fragment in ["<th", "e>", " x", "<thinking>"] {
            splitter.push(fragment, &mut |part| sections.push(format!("{part:?}")));
        }
        assert_eq!(
            sections,
            [
                r#"Content("<the>")"#,
                r#"Content(" x")"#,
                r#"Content("<thinking>")"#
            ]
        );
    }

    #[test]
    fn reasoning_is_streamed() {
        let mut splitter = TagSplitter::new("thinking", UnclosedTag::Reasoning);
        let mut sections = Vec::new();
        // convs-nova-844a5c56
        for fragment in ["<thinking", ">", "To", " it.</", "thinking", ">\n"] {
            splitter.push(fragment, &mut |part| sections.push(format!("{part:?}")));
        }
        assert_eq!(sections, [r#"Reasoning("To")"#, r#"Reasoning(" it.")"#]);
    }

    fn fragments() -> impl Strategy<Value = Vec<String>> {
        let fragment = prop_oneof![
            Just("<think>".to_owned()),
            Just("</think>".to_owned()),
            "[<>/think \nü]{0,6}",
        ];
        proptest::collection::vec(fragment, 0..8)
    }

    proptest! {
        #[test]
        fn chunk_boundaries_do_not_matter(fragments in fragments()) {
            let fragments: Vec<&str> = fragments.iter().map(String::as_str).collect();
            let whole = fragments.concat();
            let characters: Vec<&str> = whole.split_inclusive(|_| true).collect();
            for unclosed in [UnclosedTag::Reasoning, UnclosedTag::Content] {
                let expected = split(unclosed, "think", &[&whole]);
                prop_assert_eq!(&split(unclosed, "think", &fragments), &expected);
                prop_assert_eq!(&split(unclosed, "think", &characters), &expected);
            }
        }

        #[test]
        fn text_without_the_tag_is_unchanged(text in "[^<]{0,20}[a-z<>/ ü\n]{0,20}") {
            prop_assume!(!text.contains("think>"));
            for unclosed in [UnclosedTag::Reasoning, UnclosedTag::Content] {
                let expected = (String::new(), text.clone());
                prop_assert_eq!(split(unclosed, "think", &[&text]), expected);
            }
        }

        #[test]
        fn reasoning_and_content_are_separated(
            reasoning in "[^<]{0,20}",
            content in "([^<\\s][^<]{0,20})?",
        ) {
            let text = format!("\n<think>{reasoning}</think>\n\n{content}");
            for unclosed in [UnclosedTag::Reasoning, UnclosedTag::Content] {
                prop_assert_eq!(
                    split(unclosed, "think", &[&text]),
                    (reasoning.clone(), content.clone())
                );
            }
        }
    }
}
