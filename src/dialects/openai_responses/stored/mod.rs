//! The forms of stored responses: what is stored of a request and of its response, what a later
//! request continues, and what clients retrieve.

mod earlier;
mod input;
mod listing;
mod object;

pub use earlier::Earlier;
pub(super) use earlier::references;
pub(super) use input::{output_items, stored_items};
pub(super) use listing::listed;
pub(super) use object::{DeletedResponse, retrieved};
