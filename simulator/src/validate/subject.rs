//! The request under validation.

use serde_json::Value;

use crate::conversation::Conversation;
use crate::families::Family;
use crate::runtime::Runtime;

/// The request under validation, with its context.
pub(super) struct Subject<'a> {
    pub(super) model: &'a str,
    pub(super) request: &'a Value,
    pub(super) conversation: Conversation<'a>,
    pub(super) family: Family,
    pub(super) streaming: bool,
    pub(super) runtime: &'a Runtime,
}
