//! The endpoints besides chat, one folder each: `handler` (HTTP), `service` (the steps of a request,
//! with the `Gateway`), wire types and translation. `bodies` has the bodies of InvokeModel and
//! StartAsyncInvoke in each provider's format; the model table selects the form.

pub mod embeddings;
pub mod explain;
pub mod files;
pub mod images;
pub mod moderations;
pub mod rerank;
pub mod token_count;
pub mod usage;
pub mod videos;

pub mod models;
