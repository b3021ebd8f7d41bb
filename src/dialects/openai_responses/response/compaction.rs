//! The output of a response that compacts a conversation: one item with a summary, sealed.

use serde::Serialize;

use super::events::EventSink;
use super::items::ItemList;
use super::json_of;
use crate::converse::JsonText;
use crate::converse::output::{OutputDelta, OutputEvent};
use crate::converse::response::StopReason;
use crate::dialects::openai_responses::envelope::{Envelope, SealedSummary};
use crate::resources::seals::Sealer;

/// A summary that goes on.
#[derive(Debug, Clone)]
pub(super) struct Compaction {
    /// `None` if nothing can be sealed.
    pub(super) sealer: Option<Sealer>,
    /// When the response was created, in Unix seconds.
    pub(super) made_at: u64,
    pub(super) text: String,
}

#[derive(Serialize)]
struct CompactionItem<'a> {
    r#type: &'static str,
    id: &'a str,
    encrypted_content: &'a str,
}

#[derive(Serialize)]
struct Compacting<'a> {
    item_id: &'a str,
    output_index: usize,
}

impl Compaction {
    /// Handles the next output event. Returns whether the summary is complete and its item added,
    /// which clients take once and whole.
    pub(super) fn accept(
        &mut self,
        event: OutputEvent<'_>,
        list: &mut ItemList<impl EventSink>,
    ) -> bool {
        match event {
            OutputEvent::BlockDelta {
                delta: OutputDelta::Text(text),
                ..
            } => {
                self.text.push_str(text);
                false
            }
            OutputEvent::MessageStop(StopReason::EndTurn | StopReason::StopSequence) => {
                self.add(list).is_some()
            }
            _ => false,
        }
    }

    /// Adds the item; `None` if there is no summary.
    fn add(&mut self, list: &mut ItemList<impl EventSink>) -> Option<()> {
        let text = std::mem::take(&mut self.text);
        let summary = Some(text).filter(|text| !text.trim().is_empty())?;
        let sealer = self.sealer.as_ref()?;
        let envelope = Envelope::Summary(SealedSummary {
            made_at: self.made_at,
            text: summary,
        });
        let (id, output_index) = list.next("cmp_");
        let seal = envelope.seal(sealer, output_index)?;
        list.added(output_index, &item(&id, ""));
        let compacting = Compacting {
            item_id: &id,
            output_index,
        };
        list.event("response.compaction.compacting", &compacting);
        list.done(output_index, item(&id, &seal));
        Some(())
    }
}

/// The item. SDKs require `encrypted_content`, even where it is empty.
fn item(id: &str, encrypted_content: &str) -> JsonText {
    json_of(&CompactionItem {
        r#type: "compaction",
        id,
        encrypted_content,
    })
}
