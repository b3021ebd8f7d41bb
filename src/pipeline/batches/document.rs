use serde::{Deserialize, Serialize};

use crate::bedrock::JobStatus;
use crate::openai::batches::Batch;

/// What is known of a batch, as it is kept: what its caller is told, and how far its parts are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BatchDocument {
    /// What its caller is told.
    pub(super) batch: Batch,
    /// How long the files that come out live, in seconds.
    pub(super) output_life: i64,
    /// Its parts; none before it was checked.
    pub(super) parts: Vec<BatchPart>,
}

/// The requests of a batch that go to one model in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BatchPart {
    /// The client's names of the model. Not its id alone: the names may mean another model when
    /// the gateway is started again.
    pub(super) names: Vec<String>,
    /// The model as Bedrock calls it.
    pub(super) model: String,
    /// Whether these are the requests that point to files elsewhere, or the others; nothing where
    /// they are both.
    pub(super) remote: Option<bool>,
    /// Which way they go.
    pub(super) route: PartRoute,
}

/// A way to answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PartRoute {
    /// Call by call.
    Calls {
        /// Whether all were tried.
        done: bool,
    },
    /// A job of Bedrock's.
    Job(JobPart),
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobPart {
    /// Its ARN; nothing before it began.
    pub(super) arn: Option<String>,
    /// Its status when Bedrock was asked last.
    pub(super) status: JobStatus,
    /// Records that were answered by then.
    pub(super) succeeded: u64,
    /// Records that could not be.
    pub(super) failed: u64,
    /// Whether Bedrock was told to end it early.
    pub(super) stopping: bool,
    /// Whether its results are in the store.
    pub(super) collected: bool,
}

impl BatchPart {
    /// Whether a request to the model `name` is one of these.
    pub(super) fn holds(&self, name: &str, is_remote: bool) -> bool {
        self.remote.is_none_or(|remote| remote == is_remote)
            && self.names.iter().any(|own| own == name)
    }

    /// Whether nothing is left to do for it.
    pub(super) fn is_done(&self) -> bool {
        match &self.route {
            PartRoute::Calls { done } => *done,
            PartRoute::Job(job) => job.collected,
        }
    }
}
