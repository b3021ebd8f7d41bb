//! Applies the faults of a script to a response.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::error::AwsError;
use crate::play::{Step, Steps};
use crate::reply::{Reply, ReplyBody};
use crate::script::Fault;

/// Size of an event that is sent byte by byte.
const LONG: usize = 1 << 20;

/// Encodes an exception from its name and payload.
pub(crate) type Exception = fn(&str, &[u8]) -> Bytes;

/// The faults of one call, and the delay between its events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    faults: Vec<Fault>,
    /// Delay before every event of a stream without faults.
    pace: Duration,
}

impl Faults {
    pub(crate) fn new(faults: Vec<Fault>, pace: Duration) -> Self {
        Self { faults, pace }
    }

    /// Delay before the response head.
    pub(crate) fn response_delay(&self) -> Duration {
        self.sum(|fault| match fault {
            Fault::SlowResponse { delay_ms } => Some(*delay_ms),
            _ => None,
        })
    }

    /// An exception turns a non-streaming response into an error response.
    pub(crate) fn applied_to_head(&self, reply: Reply) -> Reply {
        match (&reply.body, self.terminating_fault()) {
            (ReplyBody::Complete(_), Some(Fault::Exception { code, message, .. })) => {
                as_error(code, message).reply()
            }
            _ => reply,
        }
    }

    /// The steps of a stream; `exception` encodes its exceptions.
    pub(crate) fn applied_to_stream(&self, frames: Vec<Bytes>, exception: Exception) -> Steps {
        let drip = self.drip() + self.pace;
        let mut steps = Vec::with_capacity(frames.len() + 2);
        steps.extend(wait(self.first_event_delay()));
        let event_count = self.terminating_fault().map_or(usize::MAX, events_before);
        for frame in frames.iter().take(event_count) {
            steps.extend(wait(drip));
            steps.push(Step::Send(frame.clone()));
        }
        if let Some(terminating_fault) = self.terminating_fault() {
            let damaged = frames.get(event_count).or(frames.last());
            steps.extend(wait(drip));
            steps.extend(terminating_steps(terminating_fault, damaged, exception));
        }
        steps.into()
    }

    /// The steps of a non-streaming body, and the `content-length` to announce if the body will not
    /// have that length.
    pub(crate) fn applied_to_body(&self, body: Bytes) -> (Steps, Option<usize>) {
        let length = body.len();
        let half = body.slice(..length / 2);
        let mut steps: Vec<Step> = wait(self.first_event_delay())
            .chain(wait(self.drip()))
            .collect();
        let (rest, announced) = match self.terminating_fault() {
            None | Some(Fault::Exception { .. }) => (vec![Step::Send(body)], Some(length)),
            Some(Fault::Cut { .. }) => {
                (vec![Step::Send(half), Step::Flush, Step::Cut], Some(length))
            }
            Some(Fault::Stall { .. }) => (vec![Step::Send(half), Step::Hang], Some(length)),
            Some(Fault::Trickle { delay_ms, .. }) => {
                let pause = Duration::from_millis(*delay_ms);
                (vec![Step::Trickle(body, pause), Step::Hang], Some(length))
            }
            Some(_) => (vec![Step::Send(half)], None),
        };
        steps.extend(rest);
        (steps.into(), announced)
    }

    fn first_event_delay(&self) -> Duration {
        self.sum(|fault| match fault {
            Fault::SlowFirstEvent { delay_ms } => Some(*delay_ms),
            _ => None,
        })
    }

    fn drip(&self) -> Duration {
        self.sum(|fault| match fault {
            Fault::Drip { delay_ms } => Some(*delay_ms),
            _ => None,
        })
    }

    /// The first fault that ends the body.
    fn terminating_fault(&self) -> Option<&Fault> {
        self.faults.iter().find(|fault| {
            !matches!(
                fault,
                Fault::SlowResponse { .. } | Fault::SlowFirstEvent { .. } | Fault::Drip { .. }
            )
        })
    }

    fn sum(&self, delay: impl Fn(&Fault) -> Option<u64>) -> Duration {
        Duration::from_millis(self.faults.iter().filter_map(delay).sum())
    }
}

fn wait(time: Duration) -> impl Iterator<Item = Step> {
    (!time.is_zero()).then_some(Step::Wait(time)).into_iter()
}

fn events_before(terminating_fault: &Fault) -> usize {
    match terminating_fault {
        Fault::Exception { after_events, .. }
        | Fault::Cut { after_events }
        | Fault::End { after_events }
        | Fault::TruncatedFrame { after_events }
        | Fault::BadCrc { after_events }
        | Fault::Stall { after_events }
        | Fault::Trickle { after_events, .. } => *after_events,
        Fault::SlowResponse { .. } | Fault::SlowFirstEvent { .. } | Fault::Drip { .. } => {
            usize::MAX
        }
    }
}

/// The last steps of a stream; `damaged` is the frame that the fault damages.
fn terminating_steps(
    terminating_fault: &Fault,
    damaged: Option<&Bytes>,
    exception: Exception,
) -> Vec<Step> {
    let damaged = damaged.cloned().unwrap_or_default();
    match terminating_fault {
        Fault::Exception {
            code,
            message,
            original_status_code,
            ..
        } => {
            let payload = match original_status_code {
                None => json!({ "message": message }),
                Some(status) => json!({ "message": message, "originalStatusCode": status }),
            };
            vec![Step::Send(exception(code, payload.to_string().as_bytes()))]
        }
        Fault::Cut { .. } => vec![Step::Flush, Step::Cut],
        Fault::Stall { .. } => vec![Step::Hang],
        Fault::Trickle { delay_ms, .. } => {
            let pause = Duration::from_millis(*delay_ms);
            vec![Step::Trickle(long(&exception), pause), Step::Hang]
        }
        Fault::TruncatedFrame { .. } => vec![Step::Send(damaged.slice(..damaged.len() / 2))],
        Fault::BadCrc { .. } => vec![Step::Send(with_wrong_checksum(&damaged))],
        _ => Vec::new(),
    }
}

/// The start of an event that never completes.
fn long(exception: &Exception) -> Bytes {
    let message = "x".repeat(LONG);
    exception("internalServerException", message.as_bytes())
}

fn with_wrong_checksum(frame: &Bytes) -> Bytes {
    let mut bytes = frame.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = !*last;
    }
    Bytes::from(bytes)
}

/// The error response that corresponds to an exception frame.
fn as_error(exception: &str, message: &str) -> AwsError {
    let status = match exception {
        "validationException" => StatusCode::BAD_REQUEST,
        "throttlingException" => StatusCode::TOO_MANY_REQUESTS,
        "serviceUnavailableException" => StatusCode::SERVICE_UNAVAILABLE,
        "modelStreamErrorException" => StatusCode::FAILED_DEPENDENCY,
        "modelTimeoutException" => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut code = exception.to_owned();
    if let Some(first) = code.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    AwsError::new(status, &code, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames;

    fn played(faults: Vec<Fault>) -> Vec<Step> {
        let frames = vec![Bytes::from_static(b"one."), Bytes::from_static(b"two.")];
        Faults::new(faults, Duration::ZERO)
            .applied_to_stream(frames, frames::exception)
            .to_vec()
    }

    fn send(bytes: &'static [u8]) -> Step {
        Step::Send(Bytes::from_static(bytes))
    }

    #[test]
    fn faults_change_the_steps_of_a_stream() {
        assert_eq!(played(vec![]), [send(b"one."), send(b"two.")]);
        assert_eq!(
            played(vec![Fault::Cut { after_events: 1 }]),
            [send(b"one."), Step::Flush, Step::Cut]
        );
        assert_eq!(played(vec![Fault::End { after_events: 0 }]), []);
        assert_eq!(
            played(vec![Fault::Stall { after_events: 1 }]),
            [send(b"one."), Step::Hang]
        );
        assert_eq!(
            played(vec![Fault::TruncatedFrame { after_events: 1 }]),
            [send(b"one."), send(b"tw")]
        );
        assert_eq!(
            played(vec![
                Fault::SlowFirstEvent { delay_ms: 5 },
                Fault::End { after_events: 1 }
            ]),
            [Step::Wait(Duration::from_millis(5)), send(b"one.")]
        );
    }
}
