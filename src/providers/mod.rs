//! The bodies of InvokeModel and StartAsyncInvoke, in each provider's own words: what Converse is
//! not for. One file a form of body; the table of models says which model takes which.

pub mod embeddings;
pub mod images;
pub mod messages;
pub mod rerank;
pub mod videos;
