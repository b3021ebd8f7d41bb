//! One thin handler a file, one file an endpoint.

pub mod chat_completions;
pub mod health;
pub mod models;
pub mod unknown;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::fault::Fault;
use crate::identity::Caller;
use crate::record::Record;
use crate::server::App;

/// Who is calling, by the key in `Authorization: Bearer`, in Azure's `api-key` or in Anthropic's
/// `x-api-key`.
fn authenticate(app: &App, headers: &HeaderMap, record: &Record) -> Result<Caller, Fault> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let key = bearer
        .or_else(|| text("api-key"))
        .or_else(|| text("x-api-key"));
    let caller = app.callers.identify(key)?;
    record.entries().caller = Some(caller.name().to_owned());
    Ok(caller)
}
