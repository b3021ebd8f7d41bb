//! The phases of a graceful shutdown: /readyz fails, new requests are refused, active requests
//! finish, remaining ones are cancelled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// The phase of the shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutdownPhase {
    /// No shutdown.
    Serving,
    /// `/readyz` fails; requests are still accepted.
    Draining,
    /// No new connections; active requests continue.
    Closing,
    /// Active requests end with an error.
    Ending,
}

/// The shared phase of the shutdown.
#[derive(Debug, Clone)]
pub struct Shutdown {
    phase: Arc<watch::Sender<ShutdownPhase>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(ShutdownPhase::Serving)),
        }
    }
}

impl Shutdown {
    /// The current phase.
    pub fn phase(&self) -> ShutdownPhase {
        *self.phase.borrow()
    }

    /// Advances to `phase`; never goes back.
    pub fn advance(&self, phase: ShutdownPhase) {
        self.phase.send_if_modified(|current| {
            let forward = phase > *current;
            if forward {
                *current = phase;
            }
            forward
        });
    }

    /// Waits for `phase`, or a later one.
    pub async fn reached(&self, phase: ShutdownPhase) {
        let mut receiver = self.phase.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        let _ = receiver.wait_for(|current| *current >= phase).await;
    }
}

/// The error of requests that the shutdown cancels.
pub fn restarting() -> ApiError {
    ApiError::new(
        ErrorKind::Unavailable,
        "the gateway is restarting; send the request again",
    )
    .code(ErrorCode::ServiceUnavailable)
    .retry_after(Duration::from_secs(1))
}
