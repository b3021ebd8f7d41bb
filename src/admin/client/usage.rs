//! Usage.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;

use super::{AdminClient, Call, ClientError, TIMEOUT};
use crate::store::{UsageDimension, UsageRow};
use crate::usage::{ExportSelection, ReceivedRow};

/// Sums of usage.
#[derive(Debug, Deserialize)]
struct Report {
    data: Vec<ReceivedRow>,
    has_more: bool,
}

/// A file that is being received.
#[derive(Debug)]
pub struct UsageDownload {
    body: Incoming,
    /// Where it is from, for errors.
    url: String,
}

impl AdminClient {
    /// Sums of usage from the first to the last of `days`, and whether there are more of them.
    pub async fn usage(
        &self,
        by: &[UsageDimension],
        (from, to): (Option<&str>, Option<&str>),
    ) -> Result<(Vec<UsageRow>, bool), ClientError> {
        let words: Vec<&str> = by.iter().map(|dimension| dimension.as_str()).collect();
        let words = words.join(",");
        let mut query = vec![("by", words.as_str())];
        query.extend(range(from, to));
        let call = Call {
            path: &["usage"],
            query: &query,
            ..Call::default()
        };
        let Report { data, has_more } = self.json(call).await?;
        let rows = data.into_iter().map(|row| row.into_row(by));
        Ok((rows.collect(), has_more))
    }

    /// Begins an export.
    pub async fn export(&self, selection: &ExportSelection) -> Result<UsageDownload, ClientError> {
        let ExportSelection {
            format,
            records,
            from,
            to,
        } = selection;
        let mut query = vec![("format", format.as_str())];
        query.extend(records.then_some(("records", "true")));
        query.extend(range(from.as_deref(), to.as_deref()));
        let call = Call {
            path: &["usage", "export"],
            query: &query,
            ..Call::default()
        };
        let response = self.send(call).await?;
        Ok(UsageDownload {
            body: response.into_body(),
            url: self.url.to_string(),
        })
    }
}

impl UsageDownload {
    /// The next part; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = tokio::time::timeout(TIMEOUT, self.body.frame()).await;
            let frame = match frame {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) | Err(_) => {
                    let message = format!("{}: the export is incomplete; try again", self.url);
                    return Err(ClientError::Unreachable(message));
                }
            };
            if let Ok(part) = frame.into_data() {
                return Ok(Some(part));
            }
        }
    }
}

fn range<'a>(
    from: Option<&'a str>,
    to: Option<&'a str>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let from = from.map(|day| ("from", day));
    let to = to.map(|day| ("to", day));
    from.into_iter().chain(to)
}
