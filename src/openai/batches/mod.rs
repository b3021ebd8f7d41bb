//! `/v1/batches` in OpenAI's words: what a client asks for, the lines of its file, the batch as it
//! is told of, and the lines of the files that come out.

mod batch;
mod create;
mod line;
mod result;

pub use batch::{Batch, BatchError, BatchErrors, BatchStatus, BatchUsage, RequestCounts};
pub use create::{CreateBatch, NewBatch};
pub use line::{BatchLine, BatchRequestLine, LineReader, check_request};
pub use result::{ResultIds, completion_of, error_line, response_line, unsent_line, usage_of};
