//! The state of the application, and what handlers receive of it.

use std::fmt;
use std::io;
use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::watch;

use crate::alerts;
use crate::batches::Batches;
use crate::bedrock::Bedrock;
use crate::catalog::{Catalog, CatalogConfig, Tables};
use crate::config::{BudgetSettings, Config, EmbeddingSettings, ModerationSettings};
use crate::dialects::openai_responses::{BackgroundResponses, ResponseState, StoredResponses};
use crate::endpoints::files::Files;
use crate::endpoints::images::ImageStore;
use crate::endpoints::usage::service::UsageService;
use crate::endpoints::videos::Videos;
use crate::fetch::Fetcher;
use crate::gateway::Gateway;
use crate::http::{HttpContext, Shutdown, ShutdownPhase};
use crate::identity::Callers;
use crate::limits::{LimitRegistry, ThresholdQueue};
use crate::passthrough::Passthrough;
use crate::resources::body_memory::BodyMemory;
use crate::store::Store;
use crate::usage::UsageQueue;

/// The parts of the application.
#[derive(Debug)]
pub struct App {
    /// Its configuration.
    pub config: Config,
    /// What extractors and responses need.
    pub http: Arc<HttpContext>,
    /// The list of models.
    pub catalog: Arc<Catalog>,
    /// The steps of a request: translation, limits, the call to Bedrock.
    pub gateway: Arc<Gateway>,
    /// Bedrock's own API.
    pub passthrough: Arc<Passthrough>,
    /// The settings of embeddings.
    pub embeddings: EmbeddingSettings,
    /// The stored responses.
    pub responses: StoredResponses,
    /// The responses that are generated in the background.
    pub background: Arc<BackgroundResponses>,
    /// The settings of moderations.
    pub moderations: Arc<ModerationSettings>,
    /// The bucket for images; `None` if there is none.
    pub images: Option<Arc<ImageStore>>,
    /// Videos; `None` if they are disabled.
    pub videos: Option<Arc<Videos>>,
    /// The database, which is opened by what needs it.
    pub store: Arc<Store>,
    /// The files of batches; `None` if batches are disabled.
    pub files: Option<Arc<Files>>,
    /// Batches; `None` if they are disabled.
    pub batches: Option<Arc<Batches>>,
    /// What callers have used.
    pub usage: Arc<UsageService>,
    /// The client of Bedrock, for the readiness check.
    pub bedrock: Bedrock,
    /// The meters of callers' limits.
    pub limits: Arc<LimitRegistry>,
    /// The settings of the alerts about budgets.
    alerts: watch::Sender<BudgetSettings>,
    /// The queue of what requests used and cost.
    pub usage_queue: UsageQueue,
}

/// The router's state. Handlers receive its parts, each by its type.
#[derive(Clone)]
pub(super) struct AppState(pub(super) Arc<App>);

macro_rules! parts {
    ($($part:ident: $type:ty,)*) => {
        $(impl FromRef<AppState> for $type {
            fn from_ref(AppState(app): &AppState) -> Self {
                app.$part.clone()
            }
        })*
    };
}

parts! {
    http: Arc<HttpContext>,
    catalog: Arc<Catalog>,
    gateway: Arc<Gateway>,
    passthrough: Arc<Passthrough>,
    embeddings: EmbeddingSettings,
    responses: StoredResponses,
    moderations: Arc<ModerationSettings>,
    images: Option<Arc<ImageStore>>,
    videos: Option<Arc<Videos>>,
    files: Option<Arc<Files>>,
    batches: Option<Arc<Batches>>,
    usage: Arc<UsageService>,
    bedrock: Bedrock,
}

fn no_certificates(error: io::Error) -> StartError {
    StartError(format!("the system's certificates: {error}"))
}

/// Why the gateway cannot start.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl App {
    /// Builds the application of a configuration and starts loading Bedrock's models.
    pub fn new(
        config: &Config,
        bedrock: Bedrock,
        usage_queue: UsageQueue,
        shutdown: Shutdown,
    ) -> Result<Arc<Self>, StartError> {
        let tables = Tables::load(&config.catalog.files).map_err(StartError)?;
        let fetcher = Fetcher::new(&config.fetch).map_err(no_certificates)?;
        let gateway = Gateway::new(config, tables.clone(), bedrock.clone(), fetcher);
        let gateway = Arc::new(gateway);
        let listed = catalog_config(config, &gateway, tables);
        let catalog = Catalog::start(bedrock.clone(), listed, gateway.directory());
        let reached = |phase| {
            let shutdown = shutdown.clone();
            async move { shutdown.reached(phase).await }
        };
        let closing = || reached(ShutdownPhase::Closing);
        let bodies = BodyMemory::new(config.server.max_body_memory);
        let (queue, thresholds) = ThresholdQueue::new();
        let limits = Arc::new(LimitRegistry::new(&config.budgets, queue));
        let (alerts, settings) = watch::channel(config.budgets.clone());
        tokio::spawn(alerts::report(thresholds, settings));
        let callers = callers(config, &limits, None)?;
        let store = Arc::new(Store::at(&config.store.path));
        let batches = Batches::start(
            config,
            &gateway,
            &store,
            &bodies,
            &callers,
            &usage_queue,
            closing(),
        );
        let response_state = ResponseState::start(&config.responses, &store, closing());
        let background = BackgroundResponses::start(
            config,
            &response_state,
            (&gateway, &callers),
            (&bodies, &usage_queue),
            closing(),
            reached(ShutdownPhase::Ending),
        );
        Ok(Self::of(
            config,
            Parts {
                gateway,
                catalog: Arc::new(catalog),
                callers,
                store,
                response_state,
                background: Arc::new(background),
                bodies,
                batches: batches.map(Arc::new),
                bedrock,
                limits,
                alerts,
                usage_queue,
                shutdown,
            },
        ))
    }

    /// The application of another configuration, for new requests. What requests in progress use,
    /// what was learned, and connections stay. An error changes nothing.
    pub fn reconfigured(&self, config: &Config) -> Result<Arc<Self>, StartError> {
        let tables = Tables::load(&config.catalog.files).map_err(StartError)?;
        let callers = callers(config, &self.limits, Some(&self.http.callers))?;
        let bedrock = self.bedrock.reconfigured(&config.bedrock);
        let gateway = self
            .gateway
            .reconfigured(config, tables.clone(), bedrock.clone());
        let gateway = Arc::new(gateway);
        self.catalog
            .reconfigure(catalog_config(config, &gateway, tables));
        self.limits.reconfigure(&config.budgets);
        self.alerts.send_replace(config.budgets.clone());
        if let Some(batches) = &self.batches {
            batches.reconfigure(config, &gateway, &callers);
        }
        self.background.reconfigure(config, &gateway, &callers);
        Ok(Self::of(
            config,
            Parts {
                gateway,
                catalog: Arc::clone(&self.catalog),
                callers,
                store: Arc::clone(&self.store),
                response_state: Arc::clone(&self.responses.state),
                background: Arc::clone(&self.background),
                bodies: self.http.bodies.clone(),
                batches: self.batches.clone(),
                bedrock,
                limits: Arc::clone(&self.limits),
                alerts: self.alerts.clone(),
                usage_queue: self.usage_queue.clone(),
                shutdown: self.http.shutdown.clone(),
            },
        ))
    }

    fn of(config: &Config, parts: Parts) -> Arc<Self> {
        let Parts {
            gateway,
            catalog,
            callers,
            store,
            response_state,
            background,
            bodies,
            batches,
            bedrock,
            limits,
            alerts,
            usage_queue,
            shutdown,
        } = parts;
        Arc::new(Self {
            config: config.clone(),
            http: Arc::new(HttpContext {
                settings: Arc::new(config.server.clone()),
                bodies,
                workers: gateway.workers().clone(),
                callers,
                shutdown,
            }),
            catalog,
            passthrough: Arc::new(Passthrough::new(config, Arc::clone(&gateway))),
            gateway,
            embeddings: config.embeddings,
            responses: StoredResponses {
                state: response_state,
                settings: config.responses,
            },
            background,
            moderations: Arc::new(config.moderations.clone()),
            images: ImageStore::new(&config.s3, &bedrock).map(Arc::new),
            videos: Videos::new(config, &bedrock).map(Arc::new),
            store,
            files: batches.as_ref().map(|batches| Arc::clone(batches.files())),
            batches,
            usage: Arc::new(UsageService::new(config)),
            bedrock,
            limits,
            alerts,
            usage_queue,
        })
    }
}

/// What an application shares with that of another configuration, or builds anew.
struct Parts {
    gateway: Arc<Gateway>,
    catalog: Arc<Catalog>,
    callers: Arc<Callers>,
    store: Arc<Store>,
    response_state: Arc<ResponseState>,
    background: Arc<BackgroundResponses>,
    bodies: BodyMemory,
    batches: Option<Arc<Batches>>,
    bedrock: Bedrock,
    limits: Arc<LimitRegistry>,
    alerts: watch::Sender<BudgetSettings>,
    usage_queue: UsageQueue,
    shutdown: Shutdown,
}

fn catalog_config(config: &Config, gateway: &Gateway, tables: Tables) -> CatalogConfig {
    CatalogConfig {
        names: config.models.clone(),
        settings: config.catalog.clone(),
        bases: gateway.base_models(),
        tables,
    }
}

fn callers(
    config: &Config,
    limits: &Arc<LimitRegistry>,
    previous: Option<&Callers>,
) -> Result<Arc<Callers>, StartError> {
    let callers = match previous {
        Some(callers) => callers.reconfigured(config),
        None => Callers::new(config, limits).with_tokens_of(&config.jwt),
    };
    callers.map(Arc::new).map_err(no_certificates)
}
