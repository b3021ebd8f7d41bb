//! Alerts for operators: thresholds of budgets, in the log and at a webhook. All of it is off the
//! request path.

mod webhook;

use serde::Serialize;
use tokio::sync::watch;

use crate::config::BudgetSettings;
use crate::limits::{Span, ThresholdEvent, Thresholds};
use webhook::{Webhook, rfc3339};

/// The type of the message, as Standard Webhooks has it.
const BUDGET_THRESHOLD: &str = "budget.threshold";

/// Reports `thresholds` as they are crossed, until there are no more, by the `settings` of that time.
pub async fn report(mut thresholds: Thresholds, mut settings: watch::Receiver<BudgetSettings>) {
    let mut webhook = webhook_of(&settings.borrow_and_update());
    while let Some(event) = thresholds.next().await {
        log(&event);
        // An error means that there will be no others.
        if settings.has_changed().unwrap_or_default() {
            webhook = webhook_of(&settings.borrow_and_update());
        }
        let Some(webhook) = &webhook else { continue };
        let Ok(body) = serde_json::to_vec(&Message::of(&event)) else {
            continue;
        };
        match webhook {
            Ok(webhook) => webhook.deliver(body).await,
            Err(error) => tracing::error!(error, "the webhook of `[budgets]` cannot be called"),
        }
    }
}

fn webhook_of(settings: &BudgetSettings) -> Option<Result<Webhook, String>> {
    let (url, key) = settings.webhook.clone()?;
    Some(Webhook::new(url, key))
}

fn log(event: &ThresholdEvent) {
    let ThresholdEvent {
        scope,
        period,
        is_hard,
        threshold,
        limit,
        spent,
        ..
    } = event;
    let models = scope.pattern.as_ref().map(tracing::field::display);
    tracing::warn!(
        level = scope.level.as_str(),
        name = &*scope.name,
        models,
        period = period.as_str(),
        hard = is_hard,
        threshold_percent = threshold,
        limit_usd = %limit,
        spent_usd = %spent,
        "a budget has reached a threshold"
    );
}

/// The message of a threshold.
#[derive(Debug, Serialize)]
struct Message<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Debug, Serialize)]
struct Data<'a> {
    level: &'static str,
    name: &'a str,
    /// The pattern of models; `None` for all.
    models: Option<&'a str>,
    period: &'static str,
    hard: bool,
    threshold_percent: u8,
    limit_usd: String,
    spent_usd: String,
    /// `None` for budgets in total.
    window_start: Option<String>,
    window_end: Option<String>,
}

impl<'a> Message<'a> {
    fn of(event: &'a ThresholdEvent) -> Self {
        let ThresholdEvent {
            scope,
            period,
            is_hard,
            threshold,
            limit,
            spent,
            span,
            at,
        } = event;
        let window = (*span != Span::ALL).then_some(span);
        Self {
            r#type: BUDGET_THRESHOLD,
            timestamp: rfc3339(*at),
            data: Data {
                level: scope.level.as_str(),
                name: &scope.name,
                models: scope.pattern.as_ref().map(|pattern| pattern.as_str()),
                period: period.as_str(),
                hard: *is_hard,
                threshold_percent: *threshold,
                limit_usd: limit.to_string(),
                spent_usd: spent.to_string(),
                window_start: window.map(|window| rfc3339(window.start)),
                window_end: window.map(|window| rfc3339(window.end)),
            },
        }
    }
}
