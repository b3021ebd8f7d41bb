//! A streamed response of a chat-completions upstream.

use std::sync::Arc;

use bytes::Bytes;

use super::account::Account;
use super::stream::{ResponseStream, broke_off};
use crate::bedrock::{ChunkDecoder, ChunkEvent, EventStream};
use crate::error::ApiError;
use crate::limits::Permit;
use crate::openai::chat::ChatUpstreamChunks;
use crate::openai::error::ErrorBody;
use crate::usage::Ledger;

/// A stream in progress. Dropping it ends the upstream call and releases its slot.
#[derive(Debug)]
pub struct ChatUpstreamStream {
    events: EventStream<ChunkDecoder>,
    chunks: ChatUpstreamChunks,
    account: Account,
    /// Whether no more chunks are expected from the upstream.
    ended: bool,
    _permit: Permit,
}

impl ChatUpstreamStream {
    pub(super) fn new(
        events: EventStream<ChunkDecoder>,
        chunks: ChatUpstreamChunks,
        account: Account,
        permit: Permit,
    ) -> Self {
        Self {
            events,
            chunks,
            account,
            ended: false,
            _permit: permit,
        }
    }

    fn is_complete(&self) -> bool {
        self.chunks.is_finished() && self.chunks.usage().is_some()
    }

    /// Writes the next chunks; `false` at the end of the stream.
    async fn advance(&mut self) -> Result<bool, ApiError> {
        let mut events = Vec::new();
        let more = self.events.next(&mut events).await;
        let more = more.map_err(|error| self.account.client_error(error))?;
        let mut deltas = 0;
        for event in &events {
            match event {
                ChunkEvent::Chunk(chunk) => {
                    let has_choices = self.chunks.accept(chunk)?;
                    deltas += usize::from(has_choices);
                    // The last chunk has only the usage; `[DONE]` adds nothing to it.
                    self.ended |= !has_choices && self.is_complete();
                }
                ChunkEvent::Done => self.ended = true,
            }
        }
        self.account.note_deltas(deltas);
        if let Some(usage) = self.chunks.usage() {
            self.account.settle_chat_upstream(usage, self.chunks.tier());
        }
        if self.is_finished() {
            self.events.expect_end();
        }
        if self.ended {
            self.events.close();
        }
        Ok(more && !self.ended)
    }
}

impl ResponseStream for ChatUpstreamStream {
    fn ledger(&self) -> &Arc<Ledger> {
        self.account.ledger()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        while !self.ended {
            if !self.advance().await? {
                self.ended = true;
            }
            if !self.chunks.is_empty() {
                return Ok(Some(self.chunks.take()));
            }
        }
        match self.is_finished() {
            true => Ok(None),
            false => Err(broke_off()),
        }
    }

    fn fail(&mut self, error: &ApiError) -> Bytes {
        self.chunks.error(&ErrorBody::from(error));
        self.chunks.take()
    }

    fn is_finished(&self) -> bool {
        self.chunks.is_finished()
    }

    fn done(&mut self) -> Bytes {
        self.chunks.done();
        self.chunks.take()
    }
}
