//! The visible text of a message: separates reasoning in tags from content, then removes fences and
//! prose around JSON.

use super::block_writer::BlockWriter;
use super::{OutputOptions, OutputWriter, Span};
use crate::converse::response::Citation;
use crate::converse::rules::JsonDelivery;
use crate::converse::rules::json::fence_filter::{FenceFilter as JsonFilter, Prose};
use crate::converse::rules::reasoning::tag_split::{TagSplitter, TextSection, UnclosedTag};

/// The visible text of one message.
#[derive(Debug)]
pub(super) struct CompletionText {
    splitter: Option<TagSplitter>,
    json: Option<JsonFilter>,
    /// The characters sent to the client.
    length: usize,
    /// The value of `length` at the start of the current block.
    block_start: usize,
}

impl CompletionText {
    pub(super) fn new(output_options: &OutputOptions) -> Self {
        let unclosed = match output_options.reasoning_tag_strays {
            true => UnclosedTag::Content,
            false => UnclosedTag::Reasoning,
        };
        let has_tag = !output_options.reasoning_tag.is_empty();
        let json = output_options.json.as_ref().map(|json| match json {
            JsonDelivery::Text => JsonFilter::new(Prose::PassThrough),
            JsonDelivery::Within => JsonFilter::new(Prose::Discard),
            JsonDelivery::Tool(_) => JsonFilter::new(Prose::Hold),
        });
        Self {
            splitter: has_tag.then(|| TagSplitter::new(&output_options.reasoning_tag, unclosed)),
            json,
            length: 0,
            block_start: 0,
        }
    }

    /// The number of characters sent to the client.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether any text was sent to the client.
    pub(super) fn has_started(&self) -> bool {
        self.length > 0
    }

    /// Starts the citation span of the next block.
    pub(super) fn end_block(&mut self) {
        self.block_start = self.length;
    }

    /// Adds text of the model's response.
    pub(super) fn push(&mut self, text: &str, out: &mut BlockWriter<'_, impl OutputWriter>) {
        let Some(mut splitter) = self.splitter.take() else {
            return self.push_content(text, out);
        };
        splitter.push(text, &mut |part| self.part(part, out));
        self.splitter = Some(splitter);
    }

    /// Sends the text that the tag splitter holds at the end of a block.
    pub(super) fn finish_block(&mut self, out: &mut BlockWriter<'_, impl OutputWriter>) {
        if let Some(mut splitter) = self.splitter.take() {
            splitter.finish(&mut |part| self.part(part, out));
            self.splitter = Some(splitter);
        }
    }

    /// Sends the text that the JSON filter holds, at the end of the text or before a tool call.
    pub(super) fn finish(&mut self, out: &mut BlockWriter<'_, impl OutputWriter>) {
        if let Some(mut json) = self.json.take() {
            json.finish(&mut |text| self.emit(text, out));
            self.json = Some(json);
        }
    }

    /// Discards the text before the tool call that carries the requested JSON.
    pub(super) fn discard_prose(&mut self) {
        if let Some(json) = self.json.as_mut() {
            json.discard();
        }
    }

    fn part(&mut self, part: TextSection<'_>, out: &mut BlockWriter<'_, impl OutputWriter>) {
        match part {
            TextSection::Reasoning(text) => out.reasoning(text),
            TextSection::Content(text) => self.push_content(text, out),
        }
    }

    fn push_content(&mut self, text: &str, out: &mut BlockWriter<'_, impl OutputWriter>) {
        match self.json.take() {
            None => self.emit(text, out),
            Some(mut json) => {
                json.push(text, &mut |text| self.emit(text, out));
                self.json = Some(json);
            }
        }
    }

    /// Sends text to the client unchanged.
    pub(super) fn emit(&mut self, text: &str, out: &mut BlockWriter<'_, impl OutputWriter>) {
        if !text.is_empty() {
            self.length += text.chars().count();
            out.text(text);
        }
    }

    /// Sends the citations of the current block's text.
    pub(super) fn cite(
        &self,
        citations: &[Citation],
        out: &mut BlockWriter<'_, impl OutputWriter>,
    ) {
        let span = Span {
            start: self.block_start,
            end: self.length,
        };
        for citation in citations {
            out.citation(citation, span);
        }
    }
}
