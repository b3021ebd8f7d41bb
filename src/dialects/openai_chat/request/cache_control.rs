//! Cache breakpoints: `cache_control` and `prompt_cache_breakpoint`.

use super::types::CacheControl;
use crate::converse::content::{CachePoint, CacheTtl};
use crate::error::{ApiError, BreakpointField, Parameter, PartField, PartPosition};
use crate::reply::Adjustments;
use crate::wire::{Words, note_unknown, unknown_word};

/// The lifetimes of a cached prefix. Bedrock supports five minutes and one hour; every longer
/// lifetime of OpenAI's API becomes one hour.
pub(super) const CACHE_LIFETIMES: Words<CacheTtl> = Words::new(
    "a cache lifetime",
    &[("5m", CacheTtl::FiveMinutes), ("1h", CacheTtl::OneHour)],
)
.with_aliases(&[
    ("30m", CacheTtl::OneHour),
    ("12h", CacheTtl::OneHour),
    ("24h", CacheTtl::OneHour),
]);

/// The path of a cache breakpoint in the request, for errors and adjustment notes.
pub(super) enum CacheControlPath<'a> {
    /// The field of this name, which only chat requests have, of the object at this path.
    Chat(&'a str, &'static str),
    /// The breakpoint of a part.
    Breakpoint(PartPosition),
}

impl<'a> CacheControlPath<'a> {
    /// The breakpoint `field` of the object at `path`.
    pub(super) fn new(path: &'a str, field: &'static str) -> Self {
        Self::Chat(path, field)
    }

    fn path(&self, field: BreakpointField) -> Parameter {
        match self {
            Self::Chat(path, name) => {
                let key = match field {
                    BreakpointField::Type => "type",
                    BreakpointField::Mode => "mode",
                    BreakpointField::Ttl => "ttl",
                };
                format!("{path}.{name}.{key}").into()
            }
            Self::Breakpoint(position) => position.field(PartField::Breakpoint(field)).into(),
        }
    }

    /// The name of the field, for notes about unknown keys.
    fn name(&self) -> &'static str {
        match self {
            Self::Chat(_, name) => name,
            Self::Breakpoint(_) => "prompt_cache_breakpoint",
        }
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
    note_unknown(
        adjustments,
        &unknown,
        format_args!("{}.", field_path.name()),
    );
    if let Some(kind) = kind.filter(|kind| kind != "ephemeral" && kind != "default") {
        let path = field_path.path(BreakpointField::Type);
        return Err(unknown_word(path, &kind, "a cache type", ["ephemeral"]));
    }
    if let Some(mode) = mode.filter(|mode| mode != "explicit") {
        let path = field_path.path(BreakpointField::Mode);
        return Err(unknown_word(path, &mode, "a breakpoint mode", ["explicit"]));
    }
    let ttl = ttl
        .map(|ttl| CACHE_LIFETIMES.parse(&ttl, field_path.path(BreakpointField::Ttl)))
        .transpose()?;
    Ok(Some(CachePoint::new(ttl)))
}
