//! Applies changes of the configuration while requests are served: at SIGHUP, when a file changes,
//! and on request.
//!
//! A reload is all or nothing. A new application is built from the file and swapped in; it shares
//! with the old one what must survive. A file with mistakes changes nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::Router;
use crate::config::{Config, ConfigStatus, FileWatch, Overrides, config_file, load};
use crate::telemetry::LogLevel;

/// How often the files are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Requested reloads that wait.
const MAX_WAITING: usize = 16;

/// What a requested reload returns: the number of the configuration, or all mistakes.
type ReloadResult = Result<u64, Arc<str>>;

/// Reloads the configuration.
#[derive(Debug)]
pub struct Reloader {
    sources: Arc<Sources>,
    status: ConfigStatus,
    requests: mpsc::Receiver<oneshot::Sender<ReloadResult>>,
}

/// Requests reloads, and knows their results. Clones share them.
#[derive(Debug, Clone)]
pub struct ReloadHandle {
    status: ConfigStatus,
    requests: mpsc::Sender<oneshot::Sender<ReloadResult>>,
}

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub struct ConfigSource {
    /// The file, and what takes precedence over it.
    pub overrides: Overrides,
    /// What the command changes of it, as the demo does.
    pub amend: fn(Config) -> Config,
}

/// Where the configuration comes from, and what it applies to.
#[derive(Debug)]
struct Sources {
    config: ConfigSource,
    router: Router,
    log: Option<LogLevel>,
}

impl Reloader {
    /// A reloader of the configuration of `config`, for the application of `router` and for the level
    /// of the log.
    pub fn new(
        config: impl Into<ConfigSource>,
        router: Router,
        log: Option<LogLevel>,
    ) -> (Self, ReloadHandle) {
        let (sender, requests) = mpsc::channel(MAX_WAITING);
        let status = ConfigStatus::default();
        let handle = ReloadHandle {
            status: status.clone(),
            requests: sender,
        };
        let sources = Arc::new(Sources {
            config: config.into(),
            router,
            log,
        });
        let reloader = Self {
            sources,
            status,
            requests,
        };
        (reloader, handle)
    }

    /// Reloads at SIGHUP, when a file changes, and on request, until it is dropped.
    pub async fn run(mut self) {
        let mut hangup = signal(SignalKind::hangup())
            .inspect_err(|error| {
                tracing::error!(%error, "cannot receive SIGHUP; it will not reload the configuration");
            })
            .ok();
        let mut polls = interval(POLL_INTERVAL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = FileWatch::default();
        loop {
            let files = self.sources.files();
            (watch, _) = watched(watch, |watch| watch.watch(files)).await;
            let reply = tokio::select! {
                () = received(&mut hangup) => None,
                Some(reply) = self.requests.recv() => Some(reply),
                _ = polls.tick() => {
                    let has_changed;
                    (watch, has_changed) = watched(watch, FileWatch::poll).await;
                    if !has_changed {
                        continue;
                    }
                    None
                }
            };
            // Before the files are read, so that a later change is found.
            (watch, _) = watched(watch, FileWatch::refresh).await;
            let result = self.reload().await;
            if let Some(reply) = reply {
                // The client may have gone.
                let _ = reply.send(result);
            }
        }
    }

    /// Reloads the configuration, and reports the result.
    async fn reload(&self) -> ReloadResult {
        let sources = Arc::clone(&self.sources);
        // A slow disk must not block the threads of the runtime.
        let applied = tokio::task::spawn_blocking(move || sources.apply()).await;
        match applied.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(pending_restart) => {
                if !pending_restart.is_empty() {
                    tracing::warn!(
                        settings = pending_restart.join(", "),
                        "these settings have changed and apply after a restart"
                    );
                }
                let generation = self.status.applied(pending_restart);
                tracing::info!(generation, "configuration reloaded");
                Ok(generation)
            }
            Err(error) => {
                self.status.refused(&error);
                tracing::error!(
                    error,
                    "cannot reload the configuration; the previous one stays in use"
                );
                Err(error.into())
            }
        }
    }
}

impl ReloadHandle {
    /// Reloads the configuration. Returns its number, or all its mistakes.
    pub async fn reload(&self) -> ReloadResult {
        let (reply, result) = oneshot::channel();
        let ending = || Arc::from("the gateway is shutting down");
        self.requests.send(reply).await.map_err(|_| ending())?;
        result.await.unwrap_or_else(|_| Err(ending()))
    }

    /// Which configuration is in use.
    pub fn status(&self) -> &ConfigStatus {
        &self.status
    }
}

impl From<Overrides> for ConfigSource {
    fn from(overrides: Overrides) -> Self {
        Self {
            overrides,
            amend: |config| config,
        }
    }
}

impl Sources {
    /// The files that the running configuration was read from.
    fn files(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let models = self.router.app().config.catalog.files.clone();
        let file = config_file(&self.config.overrides);
        [file, models.capabilities, models.prices]
            .into_iter()
            .flatten()
    }

    /// Reads the configuration and applies it. Returns the changed settings that apply after a
    /// restart only; the error names all mistakes.
    fn apply(&self) -> Result<Vec<&'static str>, String> {
        let running = self.router.app();
        let ConfigSource { overrides, amend } = &self.config;
        let loaded = load(overrides).map_err(|mistakes| mistakes.to_string())?;
        let mut config = amend(loaded);
        let pending_restart = config.keep_fixed(&running.config);
        // The settings that stay may not fit the new ones: an address that other machines reach
        // needs keys.
        config.check().map_err(|mistakes| mistakes.to_string())?;
        if !config.requires_credentials() && !running.http.callers.have_stored_keys() {
            let checked = config.check_without_keys();
            checked.map_err(|mistakes| mistakes.to_string())?;
        }
        let app = running.reconfigured(&config);
        let app = app.map_err(|error| error.to_string())?;
        if let Some(log) = &self.log {
            log.change(&config.log);
        }
        self.router.replace(app);
        Ok(pending_restart)
    }
}

/// Uses `watch` in a thread that a slow disk may block.
async fn watched<T: Send + Default + 'static>(
    mut watch: FileWatch,
    act: impl FnOnce(&mut FileWatch) -> T + Send + 'static,
) -> (FileWatch, T) {
    let acted = tokio::task::spawn_blocking(move || {
        let result = act(&mut watch);
        (watch, result)
    });
    // After a panic, the files are watched anew.
    acted.await.unwrap_or_default()
}

/// Waits for a signal; forever if it cannot be received.
async fn received(hangup: &mut Option<Signal>) {
    if let Some(hangup) = hangup
        && hangup.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}
