use std::io;

use super::rows::{ExportColumn, JsonRow, Value};
use super::{ExportFormat, focus};
use crate::store::{DailyUsage, StoreError};

/// A part of a file.
pub(super) struct Part<'a> {
    columns: &'a [ExportColumn],
    format: ExportFormat,
    lines: Lines,
}

enum Lines {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Json(Vec<u8>),
}

impl<'a> Part<'a> {
    /// An empty part.
    pub(super) fn new(format: ExportFormat, columns: &'a [ExportColumn]) -> Self {
        let lines = match format {
            ExportFormat::Csv | ExportFormat::Focus => {
                Lines::Csv(Box::new(csv::Writer::from_writer(Vec::new())))
            }
            ExportFormat::Jsonl => Lines::Json(Vec::new()),
        };
        Self {
            columns,
            format,
            lines,
        }
    }

    /// Writes the names of the columns, if the format has them.
    pub(super) fn header(&mut self) -> Result<(), StoreError> {
        let Lines::Csv(csv) = &mut self.lines else {
            return Ok(());
        };
        match self.format {
            ExportFormat::Focus => csv.write_record(focus::COLUMNS),
            ExportFormat::Csv | ExportFormat::Jsonl => {
                let names = self.columns.iter().map(|column| column.name.as_bytes());
                csv.write_record(names)
            }
        }
        .map_err(not_written)
    }

    /// Writes the values of the columns.
    pub(super) fn row(&mut self, values: &[Value<'_>]) -> Result<(), StoreError> {
        let columns = self.columns;
        match &mut self.lines {
            Lines::Csv(csv) => {
                for value in values {
                    csv.write_field(value.text().as_bytes())
                        .map_err(not_written)?;
                }
                csv.write_record(None::<&[u8]>).map_err(not_written)
            }
            Lines::Json(lines) => {
                serde_json::to_writer(&mut *lines, &JsonRow { columns, values })?;
                lines.push(b'\n');
                Ok(())
            }
        }
    }

    /// Writes a day in the columns of FOCUS.
    pub(super) fn focus(&mut self, day: &DailyUsage) -> Result<(), StoreError> {
        match (&mut self.lines, focus::row(day)) {
            (Lines::Csv(csv), Some(row)) => csv.write_record(row).map_err(not_written),
            _ => Ok(()),
        }
    }

    /// The bytes.
    pub(super) fn finish(self) -> Result<Vec<u8>, StoreError> {
        match self.lines {
            Lines::Csv(csv) => {
                let bytes = csv.into_inner();
                Ok(bytes.map_err(|error| io::Error::other(error.to_string()))?)
            }
            Lines::Json(lines) => Ok(lines),
        }
    }
}

/// Writing to memory does not fail; rows have the columns of their header.
fn not_written(error: csv::Error) -> StoreError {
    io::Error::other(error.to_string()).into()
}
