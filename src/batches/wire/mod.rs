//! `/v1/batches` in OpenAI's format: create requests, the lines of the input file, batch objects,
//! and the lines of the output files.

mod batch;
mod create;
mod line;
mod request;
mod result;

pub use batch::{Batch, BatchError, BatchErrors, BatchStatus, BatchUsage, RequestCounts};
pub use create::{CreateBatch, NewBatch};
pub use line::{BatchLine, BatchRequestLine, LineReader};
pub use request::{BatchEndpoint, BatchRequest};
pub use result::{BatchFormat, ResultIds, error_line, response_line, unsent_line, usage_of};
