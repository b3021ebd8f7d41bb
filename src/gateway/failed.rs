//! The client's errors for failed calls; the details go only to the log.

use std::time::Duration;

use super::Gateway;
use crate::bedrock::{FailedModel, UpstreamError};
use crate::error::{ApiError, ErrorCode};
use crate::usage::Ledger;

impl Gateway {
    /// The client's error for a failed call to a model.
    pub(crate) fn received(
        &self,
        error: UpstreamError,
        window: Option<u32>,
        ledger: &Ledger,
    ) -> ApiError {
        let error = client_error_for_model(error, window, ledger);
        let name = ledger.model();
        match (error.code, name) {
            (Some(ErrorCode::ModelNotFound), Some(name)) => ApiError {
                message: self
                    .models
                    .resolver()
                    .with_suggestions(&error.message.as_text(), &name)
                    .into(),
                ..error
            },
            _ => error,
        }
    }

    /// The error for an unknown model name.
    pub fn unknown_model(&self, name: &str) -> ApiError {
        self.models.resolver().unknown(name)
    }
}

/// How long a client waits before it retries, if Bedrock does not say. The second retry waits
/// longer, since the first wait did not help. Jitter keeps clients from retrying at the same time.
fn retry_delay(wait: Duration, client_retries: u32) -> Duration {
    let wait = wait.saturating_mul(1 << client_retries.min(8));
    wait.mul_f64(1.0 + fastrand::f64() / 2.0)
}

/// The client's error for an upstream error, whose details are recorded for the log.
pub(crate) fn client_error(error: UpstreamError, ledger: &Ledger) -> ApiError {
    client_error_for_model(error, None, ledger)
}

/// The same for a model with this context window.
pub(super) fn client_error_for_model(
    mut error: UpstreamError,
    context_window: Option<u32>,
    ledger: &Ledger,
) -> ApiError {
    let detail = error.log_detail();
    let api_error = error.api_error;
    error.api_error = match (api_error.retry_after, error.wait) {
        (Some(_), Some(wait)) => api_error.retry_after(wait),
        (Some(wait), None) => api_error.retry_after(retry_delay(wait, ledger.client_retries())),
        (None, _) => api_error,
    };
    let UpstreamError {
        api_error,
        advice: _,
        wait: _,
        code,
        detail: unlogged,
        refused_field: _,
        refuses_reasoning: _,
        fitting_share: _,
        response: _,
    } = error.of_model(FailedModel {
        name: ledger.model().as_deref(),
        context_window,
    });
    ledger.upstream_failed(code, detail, unlogged);
    api_error
}
