use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::client_error;
use super::error::AwsError;
use super::hidden::HiddenGuardrail;
use super::usage::PassthroughAccount;
use crate::bedrock::{Frame, FrameStream, exception_frame};
use crate::error::ApiError;
use crate::gateway::broke_off;
use crate::limits::Permit;
use crate::reply::ResponseStream;
use crate::usage::Ledger;

/// A passthrough stream. Dropping it ends the call to Bedrock and releases its slot.
#[derive(Debug)]
pub struct PassthroughStream {
    stream: FrameStream,
    account: PassthroughAccount,
    /// Whether Bedrock's own exception frame has reached the client.
    is_broken: bool,
    hidden: HiddenGuardrail,
    _permit: Permit,
}

impl PassthroughStream {
    pub(super) fn new(
        stream: FrameStream,
        account: PassthroughAccount,
        permit: Permit,
        hidden: HiddenGuardrail,
    ) -> Self {
        Self {
            stream,
            account,
            is_broken: false,
            hidden,
            _permit: permit,
        }
    }
}

/// Bytes are passed unchanged, except for the name of the operator's guardrail.
impl ResponseStream for PassthroughStream {
    fn ledger(&self) -> &Arc<Ledger> {
        self.account.ledger()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let mut frames = Vec::new();
        let more = match self.account.is_complete() {
            true => false,
            false => {
                let arrived = self.stream.next(&mut frames).await;
                arrived.map_err(|error| client_error(error, self.account.ledger()))?
            }
        };
        if !more {
            return match self.is_broken || self.account.may_end() {
                true => Ok(None),
                false => Err(broke_off()),
            };
        }
        for frame in &mut frames {
            self.account.note_frame(frame);
            if let Some(bytes) = self.hidden.in_frame(frame) {
                frame.bytes = bytes;
            }
            if let Err(error) = &frame.event {
                self.is_broken = true;
                client_error(error.clone(), self.account.ledger());
            }
        }
        if self.account.is_over() {
            self.stream.expect_end();
        }
        if self.account.is_complete() {
            self.stream.close();
        }
        Ok(Some(joined(frames)))
    }

    /// An exception frame.
    fn fail(&mut self, error: &ApiError) -> Bytes {
        let error = AwsError::from(error);
        let frame = exception_frame(error.stream_exception(), &error.message);
        frame.unwrap_or_default()
    }

    fn is_finished(&self) -> bool {
        self.account.is_complete()
    }

    fn done(&mut self) -> Bytes {
        match self.is_broken {
            true => self.ledger().broken(),
            false => self.ledger().completed(),
        }
        // Bedrock's last frame is the end.
        Bytes::new()
    }
}

/// Joins frames that arrived together, for a single write.
fn joined(frames: Vec<Frame>) -> Bytes {
    match frames.as_slice() {
        [only] => only.bytes.clone(),
        several => {
            let bytes = several.iter().map(|frame| &frame.bytes);
            let mut joined = BytesMut::with_capacity(bytes.clone().map(Bytes::len).sum());
            bytes.for_each(|bytes| joined.extend_from_slice(bytes));
            joined.freeze()
        }
    }
}
