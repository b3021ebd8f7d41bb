use std::fmt;
use std::pin::Pin;

use super::calendar::Span;
use crate::limits::levels::AllowanceScope;

/// The costs of ended requests, from which budgets are seeded at start and when a level first
/// appears.
pub trait SpendHistory: fmt::Debug + Send + Sync + 'static {
    /// The sum of the costs of the requests of `scope` that arrived within `span`, in nanodollars.
    /// The error is for the operator.
    fn spent<'a>(&'a self, scope: &'a AllowanceScope, span: Span) -> SpentFuture<'a>;
}

/// The future of [`SpendHistory::spent`].
pub type SpentFuture<'a> = Pin<Box<dyn Future<Output = Result<i64, String>> + Send + 'a>>;
