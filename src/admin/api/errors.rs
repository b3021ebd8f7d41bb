//! The responses with errors in the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// An error.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used.
pub(super) struct ErrorResponse {
    /// What is wrong.
    error: ErrorSchema,
}

/// What is wrong.
#[derive(ToSchema)]
#[allow(dead_code)] // Only its schema is used.
struct ErrorSchema {
    /// A code for programs.
    code: String,
    /// A sentence for people.
    message: String,
    /// The field or parameter that is wrong.
    param: Option<String>,
}

type Responses = BTreeMap<String, RefOr<Response>>;

macro_rules! error_responses {
    ($($(#[$comment:meta])* $name:ident: [$($status:literal: $description:literal),+ $(,)?],)*) => {
        $(
            $(#[$comment])*
            pub(super) struct $name;

            impl IntoResponses for $name {
                fn responses() -> Responses {
                    let mut responses = Responses::new();
                    $(responses.insert($status.to_owned(), error_response($description));)+
                    responses
                }
            }
        )*
    };
}

error_responses! {
    /// Those of every operation.
    AnyError: [
        "401": "no valid token",
        "403": "the token may not do this",
        "503": "the store is not available",
    ],
    /// Those of operations with parameters.
    ParameterError: ["400": "a parameter is wrong"],
    /// Those of operations with a body.
    BodyError: ["400": "the body or a parameter is wrong", "413": "the body is too large"],
    /// That of operations on one thing.
    NotFound: ["404": "there is nothing with this id or name"],
    /// That of changes that are not possible.
    Conflict: ["409": "its state does not allow the change, or the configuration owns it"],
    /// That of changes with a condition.
    ChangedMeanwhile: ["412": "it is no longer in the state of `if-match`"],
}

fn error_response(description: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name("ErrorResponse");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content);
    response.build().into()
}
