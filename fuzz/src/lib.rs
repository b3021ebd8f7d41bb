//! The fuzz targets, shared with the integration tests, which replay the stored inputs.

#[path = "../../tests/support/mod.rs"]
pub mod support;
