//! The Responses API: `POST /v1/responses/input_tokens`. A request is translated to Converse item by
//! item.

mod field_names;
mod input_tokens;
mod request;
mod source;

pub use field_names::ResponsesFieldNames;
pub use input_tokens::InputTokens;
pub use request::types::{
    ChosenTool, InputItem, NamespacedTool, ResponsesInputPart, ResponsesRequest, ResponsesTool,
    ResponsesToolChoice,
};
pub use request::{CallForm, Purpose, SpecialTool, ToolTable, translate};
pub use source::{ResponsesSource, model_name};
