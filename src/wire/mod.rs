//! What all dialects read in the same way: JSON bodies within their limits, client objects with
//! their unknown fields, forms, and pages of lists.

pub mod error;

pub mod form;
pub mod json_body;
pub(crate) mod object;
pub mod page;
mod parsed_body;
mod shared;
mod token_list;
mod treatment;
mod unknown;
mod values;
mod words;

pub use object::ClientField;
pub use parsed_body::ParsedBody;
pub use shared::{GuardrailFields, ImageUrl};
pub use values::{StringOrObject, Texts};

pub(crate) use object::{ClientValue, UnknownFields, client_object, written_client_object};
pub(crate) use token_list::token_list;
pub(crate) use treatment::{hint, refuse};
pub(crate) use unknown::{
    missing_model, misspelling, note_unknown, note_unknown_field, note_unknown_fields,
};
pub(crate) use words::{Words, unknown_word};
