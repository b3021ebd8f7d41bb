//! Finds what a request continues: the conversation of its previous response, and the items that it
//! refers to.

use std::sync::Arc;

use super::state::{Chain, MAX_CHAIN_BYTES, MAX_DEPTH, now};
use super::{Purpose, ResponsesRequest, ResponsesSource, StoredResponses};
use crate::dialects::openai_responses::request::item_not_found;
use crate::dialects::openai_responses::stored::{Earlier, references};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::{ChatCall, Gateway};
use crate::store::StoredItem;
use crate::wire::ParsedBody;
use crate::wire::json_body::{JsonSize, scan};

/// The maximum number of items that a request refers to.
const MAX_REFERENCES: usize = 1000;

/// The call with its request, together with what that continues.
///
/// # Errors
///
/// If that is unknown, or too long.
pub(crate) async fn source(
    gateway: &Gateway,
    stored: &StoredResponses,
    mut call: ChatCall<ParsedBody<ResponsesRequest>>,
    purpose: Purpose,
) -> Result<ChatCall<ResponsesSource>, ApiError> {
    let request = call.request.value().ok_or_else(ApiError::internal)?;
    let owner = stored.owner(&call.caller);
    let earlier = Arc::new(earlier(stored, &owner, request).await?);
    let length = earlier.length();
    if length > 0 {
        admit(&mut call, &earlier).await?;
    }
    let complete = || call.try_map(|body| ResponsesSource::continuing(body, earlier, purpose));
    gateway.workers().on_body(length, complete).await
}

/// What `request` continues.
async fn earlier(
    stored: &StoredResponses,
    owner: &str,
    request: &ResponsesRequest,
) -> Result<Earlier, ApiError> {
    let chain = match request.previous_response_id.as_deref() {
        Some(id) => chain(stored, owner, id).await?,
        None => Vec::new(),
    };
    let ids = references(request);
    if ids.len() > MAX_REFERENCES {
        return Err(ApiError::invalid(
            "input",
            format!(
                "`input` refers to more than {MAX_REFERENCES} items; send the items themselves"
            ),
        ));
    }
    let mut bytes = chain.iter().map(|item| item.body.len()).sum::<usize>();
    let mut referred = Vec::with_capacity(ids.len());
    for id in ids {
        let item = stored.state.item(owner, id, now()).await?;
        let item = item.ok_or_else(|| item_not_found(id).parameter("input"))?;
        bytes = bytes.saturating_add(item.body.len());
        referred.push(item);
    }
    match bytes > MAX_CHAIN_BYTES {
        true => Err(too_long("input")),
        false => Ok(Earlier::new(chain, referred)),
    }
}

async fn chain(
    stored: &StoredResponses,
    owner: &str,
    id: &str,
) -> Result<Vec<StoredItem>, ApiError> {
    const FIELD: &str = "previous_response_id";
    if !stored.state.is_enabled() {
        return Err(ApiError::unsupported(
            FIELD,
            "`previous_response_id` is not supported: this gateway does not store responses, which \
             the operator enables with `[responses] store`; send the complete conversation in \
             `input`",
        ));
    }
    match stored.state.chain(owner, id, now()).await? {
        Chain::Items(items) => Ok(items),
        Chain::Missing(missing) => {
            let message = format!("Previous response with id '{missing}' not found.");
            let error = ApiError::new(ErrorKind::InvalidRequest, message);
            Err(error
                .parameter(FIELD)
                .code(ErrorCode::PreviousResponseNotFound))
        }
        Chain::Unfinished => Err(ApiError::invalid(
            FIELD,
            format!("response `{id}` has not ended yet; wait until its `status` is `completed`"),
        )),
        Chain::TooLong => Err(too_long(FIELD)),
    }
}

fn too_long(parameter: &str) -> ApiError {
    let mebibytes = MAX_CHAIN_BYTES >> 20;
    let message = format!(
        "the stored conversation has more than {MAX_DEPTH} responses or {mebibytes} MiB; send what \
         the model needs of it in `input`"
    );
    let error = ApiError::new(ErrorKind::InvalidRequest, message);
    error
        .parameter(parameter)
        .code(ErrorCode::ContextLengthExceeded)
}

/// Reserves memory for the stored items, as if they were in the body.
async fn admit(
    call: &mut ChatCall<ParsedBody<ResponsesRequest>>,
    earlier: &Earlier,
) -> Result<(), ApiError> {
    let Some(permit) = &mut call.permit else {
        return Ok(());
    };
    let body = call.request.bytes();
    let texts = earlier.items().map(|item| item.body.as_bytes());
    // Each was within the limits when it arrived.
    let sizes = texts.chain([&*body]).filter_map(|text| scan(text).ok());
    let shape = sizes.fold(JsonSize::default(), |sum, size| JsonSize {
        containers: sum.containers + size.containers,
        values: sum.values + size.values,
    });
    let length = earlier.length().saturating_add(body.len());
    permit.admit_values(length, shape).await
}
