//! The objects of the routes about stored responses.

use serde::Serialize;

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;
use crate::store::StoredItem;

/// The response to a deletion.
#[derive(Debug, Clone, Copy, Serialize)]
pub(in super::super) struct DeletedResponse<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

impl<'a> DeletedResponse<'a> {
    pub(in super::super) fn new(id: &'a str) -> Self {
        Self {
            id,
            object: "response.deleted",
            deleted: true,
        }
    }
}

/// The object of a stored response: its `document` with the output among its `items`.
///
/// # Errors
///
/// If the document is not an object.
pub(in super::super) fn retrieved(
    document: &str,
    items: &[StoredItem],
) -> Result<Fields, ApiError> {
    let document = parsed(document)?;
    let mut response = Fields::from_object(&document).ok_or_else(ApiError::internal)?;
    let output = items.iter().filter(|item| item.is_output);
    let output: Result<Vec<JsonText>, ApiError> = output.map(|item| parsed(&item.body)).collect();
    let output = JsonText::of(&output?).map_err(|_| ApiError::internal())?;
    response.set("output", output);
    Ok(response)
}

fn parsed(json: &str) -> Result<JsonText, ApiError> {
    JsonText::parse(json.to_owned()).map_err(|_| ApiError::internal())
}
