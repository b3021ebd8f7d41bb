//! The text of one answer, with the reasoning that gpt-oss writes into it told apart.

use super::super::tag_split::{TagSplitter, TextSection, UnclosedTag};

/// The text of one answer.
#[derive(Debug)]
pub(super) struct UpstreamText {
    splitter: Option<TagSplitter>,
}

/// What a stretch of text comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TextSplit {
    pub(super) reasoning: String,
    pub(super) content: String,
}

impl UpstreamText {
    /// Text with reasoning between `<tag>` and `</tag>`; without any where `tag` is empty.
    pub(super) fn new(tag: &str) -> Self {
        let splitter = (!tag.is_empty()).then(|| TagSplitter::new(tag, UnclosedTag::Reasoning));
        Self { splitter }
    }

    /// Whether reasoning is looked for.
    pub(super) fn has_tag(&self) -> bool {
        self.splitter.is_some()
    }

    /// Takes the next piece and gives what is known by now.
    pub(super) fn push(&mut self, text: &str) -> TextSplit {
        let mut split = TextSplit::default();
        match &mut self.splitter {
            Some(splitter) => splitter.push(text, &mut |part| split.add(part)),
            None => split.content.push_str(text),
        }
        split
    }

    /// The text is over: gives what was held back.
    pub(super) fn finish(&mut self) -> TextSplit {
        let mut split = TextSplit::default();
        if let Some(splitter) = &mut self.splitter {
            splitter.finish(&mut |part| split.add(part));
        }
        split
    }

    /// The whole of a text.
    pub(super) fn split_all(mut self, text: &str) -> TextSplit {
        let TextSplit { reasoning, content } = self.push(text);
        let rest = self.finish();
        TextSplit {
            reasoning: reasoning + &rest.reasoning,
            content: content + &rest.content,
        }
    }
}

impl TextSplit {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.reasoning.is_empty() && self.content.is_empty()
    }

    fn add(&mut self, part: TextSection<'_>) {
        match part {
            TextSection::Reasoning(text) => self.reasoning.push_str(text),
            TextSection::Content(text) => self.content.push_str(text),
        }
    }
}
