//! How the process ends: first it says that it will, then it takes nothing new, then it waits for
//! what is under way, and at last it ends that too.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{ApiError, ErrorKind};

/// Where the process is on its way to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutdownPhase {
    /// Not on it.
    Serving,
    /// `/readyz` says no; requests are still taken.
    Draining,
    /// Nothing new is taken; answers under way go on.
    Closing,
    /// What is left ends with an error.
    Ending,
}

/// The phase, shared by all who have to know it.
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
    /// The phase now.
    pub fn phase(&self) -> ShutdownPhase {
        *self.phase.borrow()
    }

    /// Goes on to `phase`; never back.
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

/// What the clients are told whose answers are ended.
pub fn restarting() -> ApiError {
    ApiError::new(
        ErrorKind::Unavailable,
        "the gateway is being restarted; send the request again",
    )
    .code("service_unavailable")
    .retry_after(Duration::from_secs(1))
}
