use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{AnyError, ParameterError};
use super::request::{MayReadCallers, Parameters, flag};
use super::{AdminError, Operator, respond};
use crate::store::{StoreError, UsageDimension, UsageQuery};
use crate::usage::{ExportFormat, ExportSelection, ReceivedRow, ReportRow, UsageExport};

/// The maximum number of rows of a response.
const MAX_ROWS: u32 = 10_000;

/// The dimensions of a report without `by`.
const BY: [UsageDimension; 2] = [UsageDimension::Team, UsageDimension::Model];

/// Sums of usage.
#[derive(Serialize, ToSchema)]
struct UsageReport<'a> {
    /// The rows, which have the dimensions of `by` and the sums.
    #[schema(value_type = Vec<ReceivedRow>)]
    data: Vec<ReportRow<'a>>,
    /// Whether there are more rows than a response has: choose fewer days or dimensions.
    has_more: bool,
}

/// Sum usage
///
/// Requests, tokens and cost of stored records, which are written within a second. Days are those of
/// `[budgets] time_zone`.
#[utoipa::path(
    get,
    path = "/admin/v1/usage",
    tag = "usage",
    params(
        ("by" = Option<String>, Query, description = "dimensions, separated by commas: day, team, user, key and model; team and model by default"),
        ("from" = Option<String>, Query, description = "the first day, such as 2027-01-01"),
        ("to" = Option<String>, Query, description = "the last day"),
        ("key" = Option<String>, Query, description = "only usage of the key with this id"),
    ),
    responses(
        (status = 200, description = "the sums", body = UsageReport<'static>),
        ParameterError,
        AnyError,
    ),
)]
pub(super) async fn show(
    State(operator): State<Operator>,
    _: MayReadCallers,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let by = parameters.take("by", dimensions)?;
    let from = parameters.take("from", day)?;
    let to = parameters.take("to", day)?;
    let caller = parameters.text("key")?;
    parameters.finish()?;
    let by = by.unwrap_or(BY.to_vec());
    let query = UsageQuery {
        from: from.as_deref(),
        to: to.as_deref(),
        caller: caller.as_deref(),
        by: &by,
        limit: MAX_ROWS + 1,
    };
    let store = &operator.state().router.app().store;
    // Reading does not create the file.
    let rows = match store.exists() {
        true => store.usage(query).await?,
        false => Vec::new(),
    };
    let has_more = rows.len() > MAX_ROWS as usize;
    let rows = rows.iter().take(MAX_ROWS as usize);
    let data = rows.map(|row| ReportRow {
        by: &by,
        group: &row.group,
        key_name: row.key_name.as_deref(),
        sums: &row.sums,
    });
    let data = data.collect();
    respond(200, &UsageReport { data, has_more })
}

/// Export usage
///
/// Sums by day, or all records, as CSV or JSON lines.
#[utoipa::path(
    get,
    path = "/admin/v1/usage/export",
    tag = "usage",
    params(
        ("format" = Option<String>, Query, description = "csv (the default), jsonl (JSON lines), or focus (CSV with the columns of FOCUS)"),
        ("records" = Option<bool>, Query, description = "whether there is a row for each request, instead of sums by day"),
        ("from" = Option<String>, Query, description = "the first day, such as 2027-01-01"),
        ("to" = Option<String>, Query, description = "the last day"),
    ),
    responses(
        (
            status = 200,
            description = "the file",
            content((String = "text/csv"), (String = "application/jsonl")),
        ),
        ParameterError,
        AnyError,
    ),
)]
pub(super) async fn export(
    State(operator): State<Operator>,
    _: MayReadCallers,
    mut parameters: Parameters,
) -> Result<Response, AdminError> {
    let format = parameters.take("format", ExportFormat::parse)?;
    let records = parameters.take("records", flag)?;
    let from = parameters.take("from", day)?;
    let to = parameters.take("to", day)?;
    parameters.finish()?;
    let format = format.unwrap_or(ExportFormat::Csv);
    let selection = ExportSelection {
        format,
        records: records.unwrap_or_default(),
        from,
        to,
    };
    let store = Arc::clone(&operator.state().router.app().store);
    let export = UsageExport::new(store, selection);
    let mut export = export.map_err(|remedy| AdminError::invalid("format", remedy))?;
    // While there is no response yet, an error of the store is one.
    let first = export.next().await?;
    let rest = stream::try_unfold(export, async |mut export| {
        let part = export.next().await?;
        Ok::<_, StoreError>(part.map(|part| (part, export)))
    });
    let rest =
        rest.inspect_err(|error| tracing::error!(%error, "an export of usage is incomplete"));
    let parts = stream::iter(first.map(Ok)).chain(rest);
    let mut response = Response::new(Body::from_stream(parts));
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    Ok(response)
}

fn dimensions(text: &str) -> Result<Vec<UsageDimension>, String> {
    let mut dimensions = Vec::new();
    for word in text.split(',') {
        let mut all = UsageDimension::ALL.into_iter();
        match all.find(|dimension| dimension.as_str() == word) {
            Some(dimension) if !dimensions.contains(&dimension) => dimensions.push(dimension),
            _ => {
                let remedy = "write some of day, team, user, key and model, separated by commas";
                return Err(remedy.to_owned());
            }
        }
    }
    Ok(dimensions)
}

/// A day as the store has it.
fn day(text: &str) -> Result<String, String> {
    let day = text.parse::<Date>();
    day.map(|day| day.to_string())
        .map_err(|_| "write a day such as 2027-01-31".to_owned())
}
