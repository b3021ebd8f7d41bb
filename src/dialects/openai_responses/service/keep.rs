//! Stores a response before the client receives its end, so that the next request finds it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::background::FollowStream;
use super::state::ResponseState;
use crate::converse::dialect::StreamWriter;
use crate::dialects::openai_responses::stored::{Earlier, stored_items};
use crate::dialects::openai_responses::{
    FinishedResponse, ResponseHead, ResponsesFormat, ResponsesRequest, ResponsesWriter,
};
use crate::error::ApiError;
use crate::gateway::{ChatBody, ChatStream};
use crate::reply::{Reply, ResponseStream};
use crate::resources::body_memory::BodyPermit;
use crate::resources::workers::Workers;
use crate::store::{StoreError, StoredResponse};
use crate::usage::Ledger;

const SECONDS_PER_DAY: i64 = 86_400;

/// The body of a response.
#[derive(Debug)]
pub(crate) enum ResponsesBody {
    /// The JSON of a non-streaming response.
    Complete(Bytes),
    /// A stream in progress.
    Stream(Box<KeptStream>),
    /// The events of a response in the background.
    Followed(Box<FollowStream>),
}

/// What is stored of a request when its response has ended.
#[derive(Debug)]
pub(super) struct Keep {
    pub(super) state: Arc<ResponseState>,
    pub(super) owner: Arc<str>,
    /// The body, which is parsed again at the end: the bytes are less than the values.
    pub(super) body: Bytes,
    pub(super) earlier: Arc<Earlier>,
    pub(super) head: Arc<ResponseHead>,
    pub(super) retention_days: Option<u32>,
    pub(super) workers: Workers,
}

/// A stream whose response is stored before its last event.
pub(crate) struct KeptStream {
    stream: ChatStream<ResponsesWriter>,
    /// `None` if the response is not stored.
    keep: Option<(Keep, Option<BodyPermit>)>,
    saving: Option<Saving>,
    /// Whether the last event was returned.
    is_over: bool,
}

/// A response that is being stored; the future returns whether it is.
struct Saving {
    finished: Arc<FinishedResponse>,
    stored: Pin<Box<dyn Future<Output = bool> + Send>>,
}

/// The reply with its response stored, or with a stream that stores it.
pub(super) async fn kept(
    mut reply: Reply<ChatBody<ResponsesWriter>>,
    keep: Option<Keep>,
    permit: Option<BodyPermit>,
    format: &mut ResponsesFormat,
) -> Result<Reply<ResponsesBody>, ApiError> {
    let body = match reply.body {
        ChatBody::Complete(json) => {
            let finished = keep.zip(format.finished());
            let json = match finished {
                Some((keep, finished)) => {
                    let finished = Arc::new(finished);
                    let head = Arc::clone(&keep.head);
                    match keep.save(Arc::clone(&finished)).await {
                        true => json,
                        false => {
                            let note = "not stored; the gateway's store has no room or is not \
                                        available";
                            reply.adjustments.note("store", note);
                            finished.object(&head, false).into_text().into()
                        }
                    }
                }
                None => json,
            };
            ResponsesBody::Complete(json)
        }
        ChatBody::Stream(stream) => ResponsesBody::Stream(Box::new(KeptStream {
            stream: *stream,
            keep: match keep {
                Some(keep) => keep.admitted(permit).await,
                None => None,
            },
            saving: None,
            is_over: false,
        })),
    };
    Ok(Reply {
        body,
        adjustments: reply.adjustments,
        cost: reply.cost,
    })
}

impl Keep {
    /// The same with memory for as long as the stream takes; `None` if there is none. The client has
    /// a response then, which says that it is not stored.
    async fn admitted(self, permit: Option<BodyPermit>) -> Option<(Self, Option<BodyPermit>)> {
        let Some(mut permit) = permit else {
            return Some((self, None));
        };
        let length = self.length();
        match permit.admit_buffer(length).await {
            Ok(()) => Some((self, Some(permit))),
            Err(_) => {
                tracing::warn!(
                    length,
                    "no memory to keep a response until it can be stored"
                );
                None
            }
        }
    }

    fn length(&self) -> usize {
        self.body.len().saturating_add(self.earlier.length())
    }

    /// Stores the response; `false` if that was not possible. The client is not to blame for that,
    /// and has paid for the response, so that it receives it nonetheless.
    async fn save(self, finished: Arc<FinishedResponse>) -> bool {
        let id = self.head.id().to_owned();
        match self.stored(&finished).await {
            Ok(true) => true,
            Ok(false) => {
                let response = id;
                tracing::warn!(
                    response,
                    "a response is larger than the memory for responses"
                );
                false
            }
            Err(error) => {
                tracing::error!(%error, response = id, "a response could not be stored");
                false
            }
        }
    }

    async fn stored(self, finished: &FinishedResponse) -> Result<bool, StoreError> {
        let length = self.length();
        let response = self.workers.on_body(length, || self.response(finished));
        self.state.add(response.await?).await
    }

    /// What is stored.
    fn response(&self, finished: &FinishedResponse) -> Result<StoredResponse, StoreError> {
        let head = &self.head;
        let request: ResponsesRequest = serde_json::from_slice(&self.body)?;
        let items = stored_items(request, &self.earlier, finished.output(), head.stem())?;
        let created_at = i64::try_from(head.created_at()).unwrap_or(i64::MAX);
        Ok(StoredResponse {
            id: head.id().into(),
            owner: Arc::clone(&self.owner),
            previous_id: head.previous_response_id().map(Arc::from),
            status: finished.status().into(),
            document: finished.document(head).into_text().into(),
            items,
            created_at,
            expires_at: expiry(created_at, self.retention_days),
        })
    }
}

/// When a response expires, in Unix seconds; `None` for never.
pub(super) fn expiry(created_at: i64, retention_days: Option<u32>) -> Option<i64> {
    let life = i64::from(retention_days?).saturating_mul(SECONDS_PER_DAY);
    Some(created_at.saturating_add(life))
}

impl KeptStream {
    /// Ends the stream: returns its last bytes, or starts to store the response.
    fn end(&mut self) -> Bytes {
        let bytes = self.stream.done();
        let keep = self.keep.take();
        match (self.stream.writer().finished(), keep) {
            (Some(finished), keep) => {
                let finished = Arc::new(finished);
                let saved = Arc::clone(&finished);
                let stored = Box::pin(async move {
                    match keep {
                        // The memory is released with the permit.
                        Some((keep, _permit)) => keep.save(saved).await,
                        None => false,
                    }
                });
                self.saving = Some(Saving { finished, stored });
            }
            (None, _) => self.is_over = true,
        }
        bytes
    }
}

impl ResponseStream for KeptStream {
    fn ledger(&self) -> &Arc<Ledger> {
        self.stream.ledger()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.is_over {
            return Ok(None);
        }
        if self.saving.is_none() {
            match self.stream.next().await {
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                Err(error) if !self.stream.is_finished() => return Err(error),
                // The response is complete: a later error does not matter.
                Ok(None) | Err(_) => {}
            }
            let bytes = self.end();
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        let Some(saving) = &mut self.saving else {
            return Ok(None);
        };
        // In a field, since the server drops this future to write a keepalive.
        let is_stored = saving.stored.as_mut().await;
        let finished = Arc::clone(&saving.finished);
        self.saving = None;
        self.is_over = true;
        let writer = self.stream.writer();
        writer.end(&finished, is_stored);
        Ok(Some(writer.take()))
    }

    fn fail(&mut self, error: &ApiError) -> Bytes {
        self.stream.fail(error)
    }

    fn keepalive(&mut self) -> Bytes {
        self.stream.keepalive()
    }

    fn is_finished(&self) -> bool {
        self.stream.is_finished()
    }

    fn done(&mut self) -> Bytes {
        let mut bytes = match self.is_over || self.saving.is_some() {
            true => Bytes::new(),
            false => self.end(),
        };
        // The gateway shuts down before the response is stored.
        if let Some(saving) = self.saving.take() {
            let writer = self.stream.writer();
            writer.end(&saving.finished, false);
            let last = writer.take();
            bytes = [bytes, last].concat().into();
        }
        self.is_over = true;
        bytes
    }
}

impl fmt::Debug for KeptStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeptStream")
            .field("stream", &self.stream)
            .field("is_stored", &self.keep.is_some())
            .finish_non_exhaustive()
    }
}
