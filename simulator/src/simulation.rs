//! The state of a simulator: parts that do not know each other. Operations take those they need.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::async_invoke::VideoJobs;
use crate::batch_jobs::BatchJobs;
use crate::clock::Clock;
use crate::fixed::FixedResponse;
use crate::options::Options;
use crate::runtime::Runtime;
use crate::s3::Storage;
use crate::traffic::Traffic;

#[derive(Debug, Clone)]
pub(crate) struct Simulation {
    pub(crate) options: Arc<Options>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) storage: Arc<Storage>,
    pub(crate) videos: Arc<VideoJobs>,
    pub(crate) batches: Arc<BatchJobs>,
    /// Replaces every generated conversation, for load tests.
    pub(crate) fixed: Option<Arc<FixedResponse>>,
}

impl Simulation {
    pub(crate) fn new(options: Options) -> Self {
        let options = Arc::new(options);
        let clock = Arc::new(Clock::default());
        let runtime = Arc::new(Runtime::new(options.clone(), clock.clone()));
        let storage = Arc::new(Storage::new(options.clone(), clock.clone()));
        let fixed = options.fixed_response;
        Self {
            traffic: Arc::new(Traffic::new(options.journal)),
            videos: Arc::default(),
            batches: Arc::new(BatchJobs::new(storage.clone(), runtime.clone())),
            fixed: fixed.map(|size| Arc::new(FixedResponse::new(size, options.word_delay))),
            options,
            clock,
            runtime,
            storage,
        }
    }

    pub(crate) fn clear(&self) {
        self.traffic.clear();
        self.runtime.clear();
        self.storage.clear();
        self.batches.clear();
        self.videos.clear();
        self.clock.reset();
    }
}

impl FromRef<Simulation> for Arc<Clock> {
    fn from_ref(simulation: &Simulation) -> Self {
        simulation.clock.clone()
    }
}

impl FromRef<Simulation> for Arc<Traffic> {
    fn from_ref(simulation: &Simulation) -> Self {
        simulation.traffic.clone()
    }
}

impl FromRef<Simulation> for Arc<BatchJobs> {
    fn from_ref(simulation: &Simulation) -> Self {
        simulation.batches.clone()
    }
}
