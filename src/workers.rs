//! Work that keeps a processor busy for long: done apart from what serves the connections, and no
//! more of it at once than there are processors.

use std::thread::available_parallelism;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Work on as many bytes as this, or fewer, is done at once where it comes up.
const SHORT: usize = 1 << 20;

/// How many pictures are decoded at once.
const DECODERS: usize = 2;

/// The places where such work is done.
#[derive(Debug)]
pub struct Workers {
    bodies: Semaphore,
    images: Semaphore,
}

impl Default for Workers {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self {
            bodies: Semaphore::new(processors),
            images: Semaphore::new(DECODERS),
        }
    }
}

impl Workers {
    /// Does `work` on a body of `length` bytes.
    pub async fn on_body<T>(&self, length: usize, work: impl FnOnce() -> T) -> T {
        match length <= SHORT {
            true => work(),
            false => within(&self.bodies, work).await,
        }
    }

    /// Does `work` that takes long however short its body is.
    pub async fn on_long_work<T>(&self, work: impl FnOnce() -> T) -> T {
        within(&self.bodies, work).await
    }

    /// Does `work` that decodes a picture.
    pub async fn on_image<T>(&self, work: impl FnOnce() -> T) -> T {
        within(&self.images, work).await
    }
}

async fn within<T>(permits: &Semaphore, work: impl FnOnce() -> T) -> T {
    // Nobody closes it, so that there is always a place in the end.
    let _permit = permits.acquire().await;
    aside(work)
}

/// Does work on a body of `length` bytes that takes less than a tenth of a second and waits for
/// nobody.
pub fn in_place<T>(length: usize, work: impl FnOnce() -> T) -> T {
    match length <= SHORT {
        true => work(),
        false => aside(work),
    }
}

fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        // The thread leaves its other tasks to another one, and needs nothing to be moved to it.
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
                    // The only thread that serves tasks is held here.
                    is_done.recv_timeout(Duration::from_secs(30))
                })
                .await
        });
        assert_eq!(long.await.expect("long work"), Ok(()));
    }
}
