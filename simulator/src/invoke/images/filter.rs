//! The content filter of image models.

/// Content filter result of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterResult {
    Fine,
    /// Filtered before generation.
    Forbidden,
    /// The generated images are withheld.
    Unsuitable,
}

pub(super) fn filter_result(prompt: Option<&str>) -> FilterResult {
    let prompt = prompt.unwrap_or_default().to_ascii_lowercase();
    if prompt.contains("forbidden") {
        return FilterResult::Forbidden;
    }
    match prompt.contains("unsuitable") {
        true => FilterResult::Unsuitable,
        false => FilterResult::Fine,
    }
}
