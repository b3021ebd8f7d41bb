use serde::{Deserialize, Serialize};

use crate::batches::wire::Batch;
use crate::bedrock::JobStatus;
use crate::identity::TokenGrant;

/// The stored state of a batch: the client's view and the progress of its parts.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BatchDocument {
    /// The batch object that clients receive.
    pub(super) batch: Batch,
    /// How long output files are kept, in seconds.
    pub(super) output_life: i64,
    /// What the owner may use, if a token said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grant: Option<TokenGrant>,
    /// The parts; empty until the input file is validated.
    pub(super) parts: Vec<BatchPart>,
}

/// The requests of a batch to one model by one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchPart {
    /// The client's names of the model. The id alone is not enough: after a restart a name may
    /// stand for another model.
    pub(super) names: Vec<String>,
    /// The Bedrock model id.
    pub(super) model: String,
    /// Whether these requests reference external files; `None` if the part has both kinds.
    pub(super) remote: Option<bool>,
    pub(super) route: PartRoute,
}

/// How the requests of a part are completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PartRoute {
    /// Individual calls.
    Calls {
        /// Whether all requests were attempted.
        done: bool,
    },
    /// A Bedrock batch job.
    Job(JobPart),
}

/// The state of a batch job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobPart {
    /// The job's ARN; `None` until the job is created.
    pub(super) arn: Option<String>,
    /// The status that Bedrock reported last.
    pub(super) status: JobStatus,
    /// Records that had succeeded by then.
    pub(super) succeeded: u64,
    /// Records that had failed by then.
    pub(super) failed: u64,
    /// Whether Bedrock was asked to stop the job.
    pub(super) stopping: bool,
    /// When the job was first seen to have ended, in Unix milliseconds: the time of the records of
    /// its usage.
    #[serde(default)]
    pub(super) ended_at: Option<i64>,
    /// Whether the results are in the store, and the job is charged.
    pub(super) collected: bool,
}

impl BatchPart {
    /// Whether a request to the model `name` belongs to this part.
    pub(super) fn holds(&self, name: &str, is_remote: bool) -> bool {
        self.remote.is_none_or(|remote| remote == is_remote)
            && self.names.iter().any(|own| own == name)
    }

    /// Whether all work on this part is finished.
    pub(super) fn is_done(&self) -> bool {
        match &self.route {
            PartRoute::Calls { done } => *done,
            PartRoute::Job(job) => job.collected,
        }
    }
}
