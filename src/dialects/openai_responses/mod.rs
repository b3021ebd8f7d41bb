//! `/v1/responses` and `POST /v1/responses/input_tokens`: translates a request to Converse item by
//! item, and Converse events to items, which are streamed or returned at once. `stored/` has the
//! forms of stored responses, `service/` their store and what becomes of them.

pub mod handler;
pub(crate) mod service;

mod envelope;
mod field_names;
mod input_tokens;
mod request;
mod response;
mod source;
mod stored;

pub use envelope::{Envelope, SealedReasoning, SealedSummary};
pub use field_names::ResponsesFieldNames;
pub use input_tokens::InputTokens;
pub use request::types::{
    ChosenTool, InputItem, NamespacedTool, ResponsesInputPart, ResponsesRequest, ResponsesTool,
    ResponsesToolChoice,
};
pub use request::{CallForm, Purpose, SpecialTool, ToolTable, remote_addresses, translate};
pub use response::{
    CompactFormat, FailedResponse, FinishedResponse, ResponseHead, ResponsesFormat,
    ResponsesOutput, ResponsesWriter,
};
pub use service::{BackgroundResponses, ResponseState, StoredResponses};
pub use source::{ResponsesSource, model_name};
pub use stored::Earlier;
