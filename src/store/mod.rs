//! The database of teams, keys, files, batches, responses and usage: SQLite, in one file. The functions could also
//! be served by a database server. Usage that cannot be stored waits in a spool.
//!
//! Every query is limited, and times come from the caller, in Unix seconds.

mod admin;
mod batches;
mod files;
mod identity;
mod keys;
mod response_jobs;
mod responses;
mod results;
mod spool;
mod teams;
mod usage;

pub use admin::{AuditEntry, StoredAdminToken};
pub use batches::{Lease, StoredBatch};
pub use files::{FilePage, StoredFile};
pub use identity::{IdentityChanges, IdentityRow};
pub use keys::{KeyPage, PreviousKey, StoredChatOverrides, StoredDigest, StoredKey};
pub use response_jobs::{ResponseEnd, ResponseEvents, ResponseJob};
pub use responses::{ResponseLink, StoredItem, StoredResponse};
pub use results::StoredResult;
pub use spool::{Spool, SpoolLoss};
pub use teams::{StoredTeam, TeamRemoval};
pub use usage::{
    Cell, DailyUsage, RecordPosition, SpendQuery, StoredUsage, UsageDimension, UsageKey,
    UsageQuery, UsageRow, UsageSums, UsageTable,
};

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteRow, SqliteSynchronous,
};
use sqlx::{Row, SqlSafeStr};
use tokio::sync::OnceCell;

use crate::error::{ApiError, ErrorCode, ErrorKind};

/// How long a write waits for that of another process.
const BUSY: Duration = Duration::from_secs(10);

/// The time between attempts to open a file that another process has locked.
const BUSY_RETRY: Duration = Duration::from_millis(10);

/// Connections per process. SQLite has one writer at a time; the others read.
const CONNECTIONS: u32 = 4;

/// The migrations, in order. A released migration never changes, since existing databases have it
/// already.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (
        1,
        "files and batches",
        include_str!("migrations/0001_files_and_batches.sql"),
    ),
    (
        2,
        "teams and keys",
        include_str!("migrations/0002_teams_and_keys.sql"),
    ),
    (3, "usage", include_str!("migrations/0003_usage.sql")),
    (
        5,
        "tokens of operators and the audit log",
        include_str!("migrations/0005_admin.sql"),
    ),
    (
        6,
        "responses",
        include_str!("migrations/0006_responses.sql"),
    ),
    (
        7,
        "responses in the background",
        include_str!("migrations/0007_background_responses.sql"),
    ),
];

/// The store, opened on first use.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    pool: OnceCell<SqlitePool>,
}

/// An error of the store; the text is for the operator.
#[derive(Debug)]
pub struct StoreError(String);

impl Store {
    /// A store in the file `path`.
    pub fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            pool: OnceCell::new(),
        }
    }

    /// Opens or creates the file, and runs the migrations.
    pub async fn open(&self) -> Result<(), StoreError> {
        self.pool().await.map(drop)
    }

    /// Whether there is a file to open.
    pub fn exists(&self) -> bool {
        self.pool.initialized() || self.path.exists()
    }

    /// Completes pending writes and closes the file.
    pub async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }

    async fn pool(&self) -> Result<&SqlitePool, StoreError> {
        let opened = self.pool.get_or_try_init(|| async {
            let options = SqliteConnectOptions::new()
                .filename(&self.path)
                .create_if_missing(true)
                // Readers do not wait for the writer.
                .journal_mode(SqliteJournalMode::Wal)
                // The space of deleted records can be returned to the file system in slices.
                .auto_vacuum(SqliteAutoVacuum::Incremental)
                // Durable if the process crashes; the last writes may be lost on power failure.
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(BUSY);
            let pool = connect(options).await?;
            migrate(&pool).await?;
            Ok::<_, StoreError>(pool)
        });
        let with_path = |StoreError(error)| StoreError(format!("{}: {error}", self.path.display()));
        opened.await.map_err(with_path)
    }
}

/// Opens the connections. SQLite does not wait for the change of a new file's journal mode by
/// another process.
async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let started = Instant::now();
    loop {
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
        match pool.connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && started.elapsed() < BUSY => {
                tokio::time::sleep(BUSY_RETRY).await;
            }
            opened => return Ok(opened?),
        }
    }
}

/// Whether another process has a lock.
fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: &str = "5";
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some(SQLITE_BUSY)
}

/// Runs the migrations in one transaction, since processes may open a file at the same time.
async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let connection = &mut *transaction;
    migrator().run_direct(None, connection, false).await?;
    transaction.commit().await?;
    Ok(())
}

impl StoreError {
    /// The store did not answer in time.
    pub fn timed_out() -> Self {
        Self("no response in time".to_owned())
    }
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, description, sql)| {
        Migration::new(
            *version,
            Cow::Borrowed(*description),
            MigrationType::Simple,
            SqlSafeStr::into_sql_str(*sql),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            // SQLITE_CORRUPT and SQLITE_NOTADB
            Some("11" | "26") => Self(format!(
                "{error}; restore the file from a backup, or move it away to start with an empty one"
            )),
            _ => Self(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("invalid stored data: {error}"))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "error of the store");
        let message = "the gateway's store is not available; try again";
        ApiError::new(ErrorKind::Unavailable, message)
            .code(ErrorCode::StoreUnavailable)
            .retry_after(Duration::from_secs(1))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// A value that a column has as JSON.
fn decoded<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}

#[cfg(test)]
impl Store {
    /// Another handle of the same file, as of another process.
    pub(crate) fn another_handle(&self) -> Self {
        Self::at(&self.path)
    }

    /// A store in a temporary file that is not a database.
    pub(crate) fn in_damaged_file() -> Self {
        let store = scratch();
        std::fs::write(
            &store.path,
            "not a database, but long enough for a header of one",
        )
        .expect("a file");
        store
    }
}

/// A store in a temporary file, for tests.
#[cfg(test)]
pub(crate) fn scratch() -> Store {
    let name = format!("outcrop-store-{:016x}.db", fastrand::u64(..));
    Store::at(&std::env::temp_dir().join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_cannot_be_opened_is_named() {
        let store = Store::at(Path::new("/nowhere/at/all/outcrop.db"));
        let error = store.open().await.expect_err("no such folder");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }

    #[tokio::test]
    async fn a_store_reopens_with_its_contents() {
        let store = scratch();
        store.open().await.expect("a new store");
        store.close().await;
        let again = Store::at(&store.path);
        again.open().await.expect("the same store");
    }

    #[tokio::test]
    async fn processes_may_open_a_new_file_at_the_same_time() {
        let first = scratch();
        let others: Vec<Store> = (0..8).map(|_| Store::at(&first.path)).collect();
        let opened = others.iter().map(Store::open);
        for opened in futures_util::future::join_all(opened).await {
            opened.expect("a store");
        }
    }
}
