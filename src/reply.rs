//! What a handler returns: a body, and what the response's headers report about it.

mod adjustments;

pub use adjustments::{Adjustment, Adjustments};
