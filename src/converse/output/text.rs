//! The visible text of a choice: separates reasoning in tags from content, then removes fences and
//! prose around JSON.

use super::OutputOptions;
use super::{OutputEvent, OutputWriter, Span};
use crate::converse::response::Citation;
use crate::converse::rules::JsonDelivery;
use crate::converse::rules::json::fence_filter::{FenceFilter as JsonFilter, Prose};
use crate::converse::rules::reasoning::tag_split::{TagSplitter, TextSection, UnclosedTag};

/// The visible text of one choice.
#[derive(Debug)]
pub(crate) struct CompletionText {
    splitter: Option<TagSplitter>,
    json: Option<JsonFilter>,
    /// The characters sent to the client.
    length: usize,
    /// The value of `length` at the start of the current block.
    block_start: usize,
    annotations: usize,
    citations: usize,
}

impl CompletionText {
    pub(crate) fn new(output_options: &OutputOptions) -> Self {
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
            annotations: 0,
            citations: 0,
        }
    }

    /// The number of characters sent to the client.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Whether any text was sent to the client.
    pub(crate) fn has_started(&self) -> bool {
        self.length > 0
    }

    /// Starts the citation span of the next block.
    pub(crate) fn end_block(&mut self) {
        self.block_start = self.length;
    }

    /// Adds text of the model's response.
    pub(crate) fn push(&mut self, text: &str, writer: &mut impl OutputWriter) {
        let Some(mut splitter) = self.splitter.take() else {
            return self.push_content(text, writer);
        };
        splitter.push(text, &mut |part| self.part(part, writer));
        self.splitter = Some(splitter);
    }

    /// Sends the text that the tag splitter holds at the end of a block.
    pub(crate) fn finish_block(&mut self, writer: &mut impl OutputWriter) {
        if let Some(mut splitter) = self.splitter.take() {
            splitter.finish(&mut |part| self.part(part, writer));
            self.splitter = Some(splitter);
        }
    }

    /// Sends the text that the JSON filter holds, at the end of the text or before a tool call.
    pub(crate) fn finish(&mut self, writer: &mut impl OutputWriter) {
        if let Some(mut json) = self.json.take() {
            json.finish(&mut |text| self.emit(text, writer));
            self.json = Some(json);
        }
    }

    /// Discards the text before the tool call that carries the requested JSON.
    pub(crate) fn discard_prose(&mut self) {
        if let Some(json) = self.json.as_mut() {
            json.discard();
        }
    }

    fn part(&mut self, part: TextSection<'_>, writer: &mut impl OutputWriter) {
        match part {
            TextSection::Reasoning(text) => writer.output(OutputEvent::Reasoning(text)),
            TextSection::Content(text) => self.push_content(text, writer),
        }
    }

    fn push_content(&mut self, text: &str, writer: &mut impl OutputWriter) {
        match self.json.take() {
            None => self.emit(text, writer),
            Some(mut json) => {
                json.push(text, &mut |text| self.emit(text, writer));
                self.json = Some(json);
            }
        }
    }

    /// Sends text to the client unchanged.
    pub(crate) fn emit(&mut self, text: &str, writer: &mut impl OutputWriter) {
        if !text.is_empty() {
            self.length += text.chars().count();
            writer.output(OutputEvent::Content(text));
        }
    }

    /// Sends the citations of the current block's text.
    pub(crate) fn cite(&mut self, citations: &[Citation], writer: &mut impl OutputWriter) {
        let span = Span {
            start: self.block_start,
            end: self.length,
        };
        for citation in citations {
            match citation.web_source() {
                Some(source) => {
                    writer.output(OutputEvent::Annotation {
                        index: self.annotations,
                        source: &source,
                        span,
                    });
                    self.annotations += 1;
                }
                None => {
                    writer.output(OutputEvent::Citation {
                        index: self.citations,
                        citation,
                        span,
                    });
                    self.citations += 1;
                }
            }
        }
    }
}
