//! Bodies of InvokeModel and StartAsyncInvoke in each provider's format, for models that Converse
//! does not support. One file for each form of body; the model table selects the form.

pub mod embeddings;
pub mod images;
pub mod rerank;
pub mod videos;
