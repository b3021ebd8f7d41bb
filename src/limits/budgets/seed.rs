use std::sync::Arc;
use std::time::Duration;

use super::calendar::Span;
use super::history::SpendHistory;
use crate::limits::levels::LimitRegistry;

/// The wait after a failed read of the history.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Seeds windows from `history`, as they open. Never ends.
///
/// A missing counter is not zero: until its window is seeded, a hard budget refuses requests as
/// temporarily unavailable rather than forgive what was spent before.
pub(in crate::limits) async fn seed_windows(
    registry: Arc<LimitRegistry>,
    history: Arc<dyn SpendHistory>,
) {
    let mut failing = false;
    loop {
        let failed = seed_all(&registry, &*history).await;
        match &failed {
            Some(error) if !failing => tracing::error!(
                error,
                "cannot read what was spent before; hard budgets without it refuse requests"
            ),
            None if failing => tracing::info!("what was spent before is known again"),
            _ => {}
        }
        failing = failed.is_some();
        match failing {
            true => tokio::time::sleep(RETRY_DELAY).await,
            false => registry.unseeded_window().await,
        }
    }
}

/// Seeds all windows that need it; returns an error of the history.
async fn seed_all(registry: &LimitRegistry, history: &dyn SpendHistory) -> Option<String> {
    let mut failed = None;
    for (meters, window) in registry.unseeded_windows() {
        // Requests since then are counted by this process.
        let before = Span {
            end: window.counted_from,
            ..window.span
        };
        match history.spent(&meters.scope, before).await {
            Ok(nanodollars) => window.seed(nanodollars),
            Err(error) => failed = Some(error),
        }
    }
    failed
}
