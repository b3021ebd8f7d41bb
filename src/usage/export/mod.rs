//! Usage as a file, in parts: however much there is, memory holds one page of rows.

mod focus;
mod format;
mod rows;

use std::sync::Arc;

use crate::store::{DailyUsage, RecordPosition, Store, StoreError};
use format::Part;
use rows::{ExportColumn, day_values, record_values};

/// Rows that are read at a time.
const PAGE: u32 = 2_000;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values, with a line of names.
    Csv,
    /// A JSON object per line.
    Jsonl,
    /// CSV with the columns of FOCUS.
    Focus,
}

impl ExportFormat {
    /// Parses the word for a format; the error is the remedy.
    pub fn parse(word: &str) -> Result<Self, String> {
        match word {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::Jsonl),
            "focus" => Ok(Self::Focus),
            _ => Err("write csv, jsonl or focus".to_owned()),
        }
    }

    /// The word for the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Focus => "focus",
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Focus => "text/csv; charset=utf-8",
            Self::Jsonl => "application/jsonl",
        }
    }
}

/// What is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSelection {
    /// The format.
    pub format: ExportFormat,
    /// A row for each request, instead of sums by day.
    pub records: bool,
    /// The first day; `None` for the first there is.
    pub from: Option<String>,
    /// The last day; `None` for the last there is.
    pub to: Option<String>,
}

/// An export in progress.
#[derive(Debug)]
pub struct UsageExport {
    store: Arc<Store>,
    selection: ExportSelection,
    columns: Vec<ExportColumn>,
    position: Position,
}

/// What has been written.
#[derive(Debug)]
enum Position {
    Start,
    AfterRecord(RecordPosition),
    AfterDay(Box<DailyUsage>),
    End,
}

impl UsageExport {
    /// An export of what `store` has; the error is the remedy.
    pub fn new(store: Arc<Store>, selection: ExportSelection) -> Result<Self, &'static str> {
        if selection.format == ExportFormat::Focus && selection.records {
            return Err("the format focus has a row for each day; leave out `records`");
        }
        let columns = match selection.records {
            true => ExportColumn::of_records(),
            false => ExportColumn::of_days(),
        };
        Ok(Self {
            store,
            selection,
            columns,
            position: Position::Start,
        })
    }

    /// The next part of the file, which is not empty; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while !matches!(self.position, Position::End) {
            let mut part = Part::new(self.selection.format, &self.columns);
            if matches!(self.position, Position::Start) {
                part.header()?;
            }
            let next = match self.selection.records {
                true => self.records(&mut part).await?,
                false => self.days(&mut part).await?,
            };
            let part = part.finish()?;
            self.position = next;
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    async fn records(&self, part: &mut Part<'_>) -> Result<Position, StoreError> {
        let after = match &self.position {
            Position::AfterRecord(record) => Some(record),
            Position::Start | Position::AfterDay(_) | Position::End => None,
        };
        // Reading does not create the file.
        let page = match self.store.exists() {
            true => self.store.usage_records(self.range(), after, PAGE).await?,
            false => Vec::new(),
        };
        for record in &page {
            part.row(&record_values(&self.columns, record))?;
        }
        Ok(match page.into_iter().next_back() {
            Some(last) => Position::AfterRecord(RecordPosition {
                at: last.at,
                id: last.id,
            }),
            None => Position::End,
        })
    }

    async fn days(&self, part: &mut Part<'_>) -> Result<Position, StoreError> {
        let after = match &self.position {
            Position::AfterDay(day) => Some(&**day),
            Position::Start | Position::AfterRecord(_) | Position::End => None,
        };
        let page = match self.store.exists() {
            true => self.store.daily_usage(self.range(), after, PAGE).await?,
            false => Vec::new(),
        };
        for day in &page {
            match self.selection.format {
                ExportFormat::Focus => part.focus(day)?,
                ExportFormat::Csv | ExportFormat::Jsonl => {
                    part.row(&day_values(&self.columns, day))?;
                }
            }
        }
        Ok(match page.into_iter().next_back() {
            Some(last) => Position::AfterDay(Box::new(last)),
            None => Position::End,
        })
    }

    fn range(&self) -> (Option<&str>, Option<&str>) {
        let ExportSelection { from, to, .. } = &self.selection;
        (from.as_deref(), to.as_deref())
    }
}
