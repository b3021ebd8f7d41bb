//! CPU-bound work, outside of the threads that serve connections, and limited to the number of
//! processors.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use super::relocation::relocate;

/// Work on at most this many bytes runs inline.
const SHORT: usize = 1 << 20;

/// The maximum number of concurrently decoded images.
const DECODERS: usize = 2;

/// The permits for CPU-bound work.
#[derive(Debug, Clone)]
pub struct Workers {
    bodies: Arc<Semaphore>,
    images: Arc<Semaphore>,
}

impl Default for Workers {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            bodies: Arc::new(Semaphore::new(processors)),
            images: Arc::new(Semaphore::new(DECODERS)),
        }
    }
}

impl Workers {
    /// Runs `work` on a body of `length` bytes.
    pub async fn on_body<T>(&self, length: usize, work: impl FnOnce() -> T) -> T {
        match length <= SHORT {
            true => work(),
            false => within(&self.bodies, work).await,
        }
    }

    /// Runs `work` that is slow regardless of the length of the body.
    pub async fn on_long_work<T>(&self, work: impl FnOnce() -> T) -> T {
        within(&self.bodies, work).await
    }

    /// Runs `work` that decodes an image.
    pub async fn on_image<T>(&self, work: impl FnOnce() -> T) -> T {
        within(&self.images, work).await
    }
}

async fn within<T>(permits: &Semaphore, work: impl FnOnce() -> T) -> T {
    relocate().await;
    // The semaphore is never closed.
    let _permit = permits.acquire().await;
    aside(work)
}

/// Runs work on a body of `length` bytes that takes less than 100 ms and does not block.
pub fn in_place<T>(length: usize, work: impl FnOnce() -> T) -> T {
    match length <= SHORT {
        true => work(),
        false => aside(work),
    }
}

fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        // `block_in_place` hands over the other tasks of the thread, and the work does not have to
        // be `Send`.
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn other_tasks_run_during_a_long_task() {
        let long = tokio::spawn(async {
            let workers = Workers::default();
            workers
                .on_body(SHORT + 1, || {
                    let (done, is_done) = mpsc::channel();
                    tokio::spawn(async move { done.send(()) });
                    // This blocks the only serving thread.
                    is_done.recv_timeout(Duration::from_secs(30))
                })
                .await
        });
        assert_eq!(long.await.expect("long work"), Ok(()));
    }
}
