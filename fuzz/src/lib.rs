//! The targets as the integration tests have them, which replay the inputs that are kept.

#[path = "../../tests/support/mod.rs"]
pub mod support;
