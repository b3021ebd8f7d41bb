use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::super::tokens::rfc3339;
use super::bodies::Page;
use super::errors::{AnyError, ParameterError};
use super::request::{MayReadGateway, Parameters, limit};
use super::{AdminError, Operator, respond};
use crate::store::AuditEntry;

/// The default and the maximum number of entries in a page.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// A change by an operator.
#[derive(Serialize, ToSchema)]
struct AuditEntryView {
    /// Its id; ids sort by time.
    id: String,
    /// When, as RFC 3339 has it.
    at: String,
    /// Who: the name of a token, or the user of a command.
    actor: String,
    /// What was done, such as `key.create`.
    action: String,
    /// The id or name of what was changed.
    subject: String,
    /// What it was, without secrets; `null` if it is new.
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    /// What it is, without secrets; `null` if it is gone.
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
}

/// List changes
///
/// The audit log, newest first: changes through this API and by commands. For older ones, set
/// `before` to the last id.
#[utoipa::path(
    get,
    path = "/admin/v1/audit",
    tag = "audit",
    params(
        ("before" = Option<String>, Query, description = "only changes before the one with this id"),
        ("subject" = Option<String>, Query, description = "only changes of this id or name"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "the size of the page, 50 by default"),
    ),
    responses(
        (status = 200, description = "a page", body = Page<AuditEntryView>),
        ParameterError,
        AnyError,
    ),
)]
pub(super) async fn list(
    State(operator): State<Operator>,
    _: MayReadGateway,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let before = parameters.text("before")?;
    let subject = parameters.text("subject")?;
    let page = parameters.take("limit", |text| limit(text, MAX_LIMIT))?;
    parameters.finish()?;
    let page = page.unwrap_or(DEFAULT_LIMIT);
    let entries = operator
        .audit()
        .entries(before.as_deref(), subject.as_deref(), page + 1);
    let entries = entries.await?.into_iter().map(AuditEntryView::from);
    respond(200, &Page::of(entries.collect(), page))
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        let json = |text: Option<String>| RawValue::from_string(text?).ok();
        Self {
            id: entry.id,
            at: rfc3339(entry.at),
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            before: json(entry.before),
            after: json(entry.after),
        }
    }
}
