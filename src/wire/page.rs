//! Paginated lists: the query parameters, and the list object.

use serde::Serialize;

use super::Words;
use crate::error::ApiError;
use crate::reply::Adjustments;

/// The orders, and whether the newest entries come first.
const ORDERS: Words<bool> = Words::new("an order", &[("asc", false), ("desc", true)]);

/// The requested page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// The id after which the page starts.
    pub after: Option<String>,
    /// The maximum number of entries.
    pub limit: u32,
    /// Whether the newest entries come first.
    pub newest_first: bool,
    /// The `purpose` filter of file lists.
    pub purpose: Option<String>,
}

/// The parameters that a list supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRules {
    /// The default page size.
    pub default: u32,
    /// The maximum page size.
    pub max: u32,
    /// Whether `order` is supported.
    pub has_order: bool,
    /// Whether `purpose` is supported.
    pub has_purpose: bool,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct ListPage<T> {
    object: &'static str,
    data: Vec<T>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

impl PageQuery {
    /// Parses query parameters; unknown ones are noted.
    pub fn read(
        pairs: impl IntoIterator<Item = (String, String)>,
        rules: PageRules,
        adjustments: &mut Adjustments,
    ) -> Result<Self, ApiError> {
        let mut query = Self {
            after: None,
            limit: rules.default,
            newest_first: true,
            purpose: None,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "after" => query.after = Some(value).filter(|after| !after.is_empty()),
                "limit" => query.limit = limit(&value, rules.max)?,
                "order" if rules.has_order => query.newest_first = ORDERS.parse(&value, "order")?,
                "purpose" if rules.has_purpose => query.purpose = Some(value),
                _ => adjustments.ignored(&name),
            }
        }
        Ok(query)
    }
}

impl<T> ListPage<T> {
    /// A page of `data`; `id` returns the id of an entry, `has_more` states whether another page
    /// follows.
    pub fn new(data: Vec<T>, has_more: bool, id: impl Fn(&T) -> &str) -> Self {
        Self {
            object: "list",
            first_id: data.first().map(|entry| id(entry).to_owned()),
            last_id: data.last().map(|entry| id(entry).to_owned()),
            data,
            has_more,
        }
    }
}

fn limit(value: &str, max: u32) -> Result<u32, ApiError> {
    let number = value.parse().ok().filter(|limit| (1..=max).contains(limit));
    number.ok_or_else(|| {
        let message = format!("`limit` is `{value}`; it must be an integer from 1 to {max}");
        ApiError::invalid("limit", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: PageRules = PageRules {
        default: 20,
        max: 100,
        has_order: true,
        has_purpose: false,
    };

    fn read(pairs: &[(&str, &str)]) -> (Result<PageQuery, ApiError>, String) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut adjustments = Adjustments::default();
        let query = PageQuery::read(pairs.iter().map(owned), RULES, &mut adjustments);
        (query, adjustments.header_value().unwrap_or_default())
    }

    #[test]
    fn a_query_sets_the_cursor_limit_and_order() {
        let (query, notes) = read(&[("after", "x"), ("limit", "7"), ("order", "asc")]);
        let expected = PageQuery {
            after: Some("x".to_owned()),
            limit: 7,
            newest_first: false,
            purpose: None,
        };
        assert_eq!((query, notes.as_str()), (Ok(expected), ""));
        let (query, notes) = read(&[("purpose", "batch")]);
        assert_eq!(query.map(|query| query.limit), Ok(20));
        assert!(notes.contains("purpose"), "{notes}");
    }

    #[test]
    fn unsupported_list_parameters_are_rejected_by_name() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "x"),
            ("order", "up"),
        ] {
            let error = read(&[(name, value)]).0.expect_err(value);
            assert_eq!(error.path().as_deref(), Some(name));
        }
    }
}
