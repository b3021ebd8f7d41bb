//! Cache breakpoints: `cache_control` and `prompt_cache_breakpoint`.

use super::types::CacheControl;
use crate::converse::content::{CachePoint, CacheTtl};
use crate::dialects::wire::note_unknown;
use crate::error::ApiError;
use crate::reply::Adjustments;

/// The path of a cache breakpoint in the request, for errors and adjustment notes.
pub(super) struct CacheControlPath<'a> {
    path: &'a str,
    field: &'static str,
}

impl<'a> CacheControlPath<'a> {
    /// The breakpoint `field` of the object at `path`.
    pub(super) fn new(path: &'a str, field: &'static str) -> Self {
        Self { path, field }
    }

    fn path(&self, key: &str) -> String {
        let Self { path, field } = self;
        format!("{path}.{field}.{key}")
    }
}

/// The Converse cache point for a breakpoint.
pub(super) fn cache_point(
    cache_control: Option<Box<CacheControl>>,
    field_path: &CacheControlPath<'_>,
    adjustments: &mut Adjustments,
) -> Result<Option<CachePoint>, ApiError> {
    let Some(CacheControl {
        kind,
        mode,
        ttl,
        unknown,
    }) = cache_control.map(|cache_control| *cache_control)
    else {
        return Ok(None);
    };
    note_unknown(adjustments, &unknown, &format!("{}.", field_path.field));
    if let Some(kind) = kind.filter(|kind| kind != "ephemeral" && kind != "default") {
        return Err(ApiError::invalid(
            field_path.path("type"),
            format!("`{kind}` is not a cache type; use `ephemeral`"),
        ));
    }
    if let Some(mode) = mode.filter(|mode| mode != "explicit") {
        return Err(ApiError::invalid(
            field_path.path("mode"),
            format!("`{mode}` is not a breakpoint mode; use `explicit`"),
        ));
    }
    let ttl = ttl
        .map(|ttl| cache_ttl(&ttl, &field_path.path("ttl")))
        .transpose()?;
    Ok(Some(CachePoint::new(ttl)))
}

/// The lifetime of a cached prefix. Bedrock supports five minutes and one hour; every longer
/// lifetime of OpenAI's API becomes one hour.
pub(super) fn cache_ttl(ttl: &str, path: &str) -> Result<CacheTtl, ApiError> {
    match ttl {
        "5m" => Ok(CacheTtl::FiveMinutes),
        "1h" | "30m" | "12h" | "24h" => Ok(CacheTtl::OneHour),
        other => Err(ApiError::invalid(
            path,
            format!("`{other}` is not a cache lifetime; use `5m` or `1h`"),
        )),
    }
}
