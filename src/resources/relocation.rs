//! Moves a request with long work from the thread that serves its connection to the shared threads.
//!
//! The runtime of a core has one thread: what takes long would delay all of its other requests. The
//! work itself borrows from the request, so that the request moves as a whole, once, and stays
//! there.

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

tokio::task_local! {
    /// Set by a request that has to move, which then waits.
    static HAS_TO_MOVE: Cell<bool>;
}

/// Runs `request` in the current task until it has long work, and then in a task of `shared`.
/// Dropping the future cancels it either way.
pub async fn relocatable<F>(mut request: Pin<Box<F>>, shared: &Handle) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let output = poll_fn(|context| {
        HAS_TO_MOVE.sync_scope(Cell::new(false), || match request.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if HAS_TO_MOVE.with(Cell::get) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
    });
    if let Some(output) = output.await {
        return output;
    }
    let mut tasks = JoinSet::new();
    tasks.spawn_on(request, shared);
    match tasks.join_next().await {
        Some(Ok(output)) => output,
        Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
        // The process ends.
        Some(Err(_)) | None => pending().await,
    }
}

/// Continues on the shared threads, if the current task is a [`relocatable`] request that is not
/// there yet.
pub(super) async fn relocate() {
    let mut is_moving = HAS_TO_MOVE.try_with(|moves| moves.set(true)).is_ok();
    poll_fn(|context| {
        if !std::mem::take(&mut is_moving) {
            return Poll::Ready(());
        }
        // For the combinators of futures in between: they poll only what has been woken.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::thread::{self, ThreadId};

    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use tokio::runtime::Builder;

    use super::*;

    /// Runs `request` on a thread of its own; returns that thread and the output.
    fn on_core<F>(request: F) -> (ThreadId, F::Output)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let shared = Builder::new_multi_thread().worker_threads(1).build();
        let shared = shared.expect("a runtime");
        let core = Builder::new_current_thread().build().expect("a runtime");
        let output = core.block_on(relocatable(Box::pin(request), shared.handle()));
        (thread::current().id(), output)
    }

    #[test]
    fn a_request_moves_once_and_stays() {
        let (core, threads) = on_core(async {
            let first = thread::current().id();
            relocate().await;
            let second = thread::current().id();
            tokio::task::yield_now().await;
            relocate().await;
            [first, second, thread::current().id()]
        });
        let [first, second, third] = threads;
        assert_eq!(first, core);
        assert_ne!(second, core);
        assert_eq!(third, second);
    }

    #[test]
    fn short_requests_do_not_move() {
        let (core, thread) = on_core(async {
            tokio::task::yield_now().await;
            thread::current().id()
        });
        assert_eq!(thread, core);
    }

    #[test]
    fn a_part_of_a_request_moves_all_of_it() {
        let (core, threads) = on_core(async {
            let parts = (0..3).map(|part| async move {
                if part == 1 {
                    relocate().await;
                }
                tokio::task::yield_now().await;
                thread::current().id()
            });
            let parts: FuturesUnordered<_> = parts.collect();
            parts.collect::<Vec<ThreadId>>().await
        });
        assert_eq!(threads.len(), 3);
        assert!(threads.iter().all(|thread| *thread != core));
    }

    #[test]
    fn a_panic_after_the_move_is_one_of_the_request() {
        let panicked = std::panic::catch_unwind(|| {
            on_core(async {
                relocate().await;
                panic!("after the move");
            })
        });
        let panic = panicked.expect_err("a panic");
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"after the move"));
    }
}
