//! Where the commands read usage: in the store directly, or through a gateway's admin API.

use std::sync::Arc;

use bytes::Bytes;

use super::CommandError;
use crate::admin::{AdminClient, UsageDownload};
use crate::store::{Store, UsageDimension, UsageQuery, UsageRow};
use crate::usage::{ExportSelection, UsageExport};

/// The maximum number of rows of a report, for the memory of the command.
const MAX_ROWS: u32 = 100_000;

/// A first and a last day, of those there are without one.
pub(super) type Days<'a> = (Option<&'a str>, Option<&'a str>);

/// Usage.
pub(super) enum UsageSource {
    /// That of a store.
    Store(Arc<Store>),
    /// That of a gateway.
    Api(Box<AdminClient>),
}

/// A file that is being exported.
pub(super) enum ExportedFile {
    Store(Box<UsageExport>),
    Api(UsageDownload),
}

impl UsageSource {
    /// The sums of all rows.
    pub(super) async fn sums(
        &self,
        by: &[UsageDimension],
        (from, to): Days<'_>,
    ) -> Result<Vec<UsageRow>, CommandError> {
        let (rows, has_more) = match self {
            Self::Store(store) => {
                let query = UsageQuery {
                    from,
                    to,
                    caller: None,
                    by,
                    limit: MAX_ROWS + 1,
                };
                let rows = store.usage(query).await?;
                let has_more = rows.len() > MAX_ROWS as usize;
                (rows, has_more)
            }
            Self::Api(client) => client.usage(by, (from, to)).await?,
        };
        match has_more {
            false => Ok(rows),
            true => Err(CommandError::Message(
                "too many rows; choose fewer days with --from and --to, or use `outcrop usage \
                 export`"
                    .to_owned(),
            )),
        }
    }

    /// Begins an export.
    pub(super) async fn export(
        &self,
        selection: ExportSelection,
    ) -> Result<ExportedFile, CommandError> {
        Ok(match self {
            Self::Store(store) => {
                let export = UsageExport::new(Arc::clone(store), selection);
                let export = export.map_err(|remedy| CommandError::Message(remedy.to_owned()))?;
                ExportedFile::Store(Box::new(export))
            }
            Self::Api(client) => ExportedFile::Api(client.export(&selection).await?),
        })
    }

    /// Completes what is in progress.
    pub(super) async fn close(&self) {
        match self {
            Self::Store(store) => store.close().await,
            Self::Api(_) => {}
        }
    }
}

impl ExportedFile {
    /// The next part; `None` after the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, CommandError> {
        Ok(match self {
            Self::Store(export) => export.next().await?.map(Bytes::from),
            Self::Api(download) => download.next().await?,
        })
    }
}
