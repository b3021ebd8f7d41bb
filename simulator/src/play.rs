//! Sends a response body step by step.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

use crate::calls::OpenCall;
use crate::stamp::StampedFrame;
use crate::ticks::Ticks;

/// The steps of a body; shared, so that sending a prepared body again is cheap.
pub(crate) type Steps = Arc<[Step]>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send these bytes.
    Send(Bytes),
    /// Pause.
    Wait(Duration),
    /// Send these bytes one at a time, with a pause before each.
    Trickle(Bytes, Duration),
    /// Send this frame with the current time at the stream's next tick; ticks have this interval.
    Stamp(StampedFrame, Duration),
    /// Let the server flush its buffer; without it, `Cut` would also lose earlier bytes.
    Flush,
    /// Close the connection without ending the body.
    Cut,
    /// Send nothing until the client disconnects.
    Hang,
}

/// The response body that plays the steps.
#[derive(Debug)]
pub(crate) struct Body {
    steps: Steps,
    next: usize,
    /// Number of bytes of the current trickle that have been sent.
    trickled: usize,
    pause: Option<Pin<Box<Sleep>>>,
    /// The pace, since the first step that has one.
    ticks: Option<Ticks>,
    call: OpenCall,
}

impl Body {
    pub(crate) fn new(steps: Steps, mut call: OpenCall) -> Self {
        if steps.is_empty() {
            call.end();
        }
        Self {
            steps,
            next: 0,
            trickled: 0,
            pause: None,
            ticks: None,
            call,
        }
    }

    fn poll_tick(&mut self, interval: Duration, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ticks = match &mut self.ticks {
            Some(ticks) => ticks,
            none => none.insert(Ticks::start(interval)?),
        };
        ticks.poll_tick(context)
    }

    fn done(&self) -> bool {
        self.next >= self.steps.len()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        loop {
            let mut has_paused = false;
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
                has_paused = true;
            }
            let Some(step) = self.steps.get(self.next).cloned() else {
                self.call.end();
                return Poll::Ready(None);
            };
            match step {
                Step::Trickle(bytes, time) if self.trickled < bytes.len() => {
                    if !has_paused {
                        self.pause = Some(Box::pin(tokio::time::sleep(time)));
                        continue;
                    }
                    let byte = bytes.slice(self.trickled..self.trickled + 1);
                    self.trickled += 1;
                    return Poll::Ready(Some(Ok(Frame::data(byte))));
                }
                Step::Trickle(..) => {
                    self.next += 1;
                    self.trickled = 0;
                }
                Step::Send(bytes) => {
                    self.next += 1;
                    if self.done() {
                        self.call.end();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Step::Wait(time) => {
                    self.next += 1;
                    self.pause = Some(Box::pin(tokio::time::sleep(time)));
                }
                Step::Stamp(frame, interval) => {
                    ready!(self.poll_tick(interval, context)).map_err(|_| CutOff)?;
                    self.next += 1;
                    let bytes = frame.at(SystemTime::now());
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Step::Flush => {
                    self.next += 1;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Cut => {
                    self.call.end();
                    return Poll::Ready(Some(Err(CutOff)));
                }
                Step::Hang => return Poll::Pending,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.done()
    }

    fn size_hint(&self) -> SizeHint {
        match &*self.steps {
            [] => SizeHint::with_exact(0),
            [Step::Send(bytes)] if self.next == 0 => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

/// The error that cuts the body off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body is cut off by an injected fault")
    }
}

impl std::error::Error for CutOff {}
