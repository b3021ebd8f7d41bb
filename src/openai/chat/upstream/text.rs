//! The text of one choice, with gpt-oss's reasoning in tags separated from the content.

use crate::converse::rules::reasoning::tag_split::{TagSplitter, TextSection, UnclosedTag};

/// The text of one choice.
#[derive(Debug)]
pub(super) struct UpstreamText {
    splitter: Option<TagSplitter>,
}

/// The reasoning and the content in a fragment of text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TextSplit {
    pub(super) reasoning: String,
    pub(super) content: String,
}

impl UpstreamText {
    /// Text with reasoning between `<tag>` and `</tag>`. If `tag` is empty, all text is content.
    pub(super) fn new(tag: &str) -> Self {
        let splitter = (!tag.is_empty()).then(|| TagSplitter::new(tag, UnclosedTag::Reasoning));
        Self { splitter }
    }

    pub(super) fn has_tag(&self) -> bool {
        self.splitter.is_some()
    }

    /// Adds the next fragment and returns the text that is decided.
    pub(super) fn push(&mut self, text: &str) -> TextSplit {
        let mut split = TextSplit::default();
        match &mut self.splitter {
            Some(splitter) => splitter.push(text, &mut |part| split.add(part)),
            None => split.content.push_str(text),
        }
        split
    }

    /// Ends the text and returns the held text.
    pub(super) fn finish(&mut self) -> TextSplit {
        let mut split = TextSplit::default();
        if let Some(splitter) = &mut self.splitter {
            splitter.finish(&mut |part| split.add(part));
        }
        split
    }

    /// Splits a complete text.
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
