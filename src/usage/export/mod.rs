use std::io::{self, BufWriter, Write};

use super::rows::{ExportColumn, JsonRow, Value, day_values, record_values};
use super::{CommandError, ExportFormat, UsageSource, focus};
use crate::store::RecordPosition;

/// Rows that are read at a time: what the command holds in memory.
const PAGE: u32 = 2_000;

/// `outcrop usage export`
pub(super) async fn run(
    source: &UsageSource,
    format: ExportFormat,
    records: bool,
    output: impl Write,
) -> Result<(), CommandError> {
    let output = BufWriter::with_capacity(1 << 16, output);
    match (format, records) {
        (ExportFormat::Focus, true) => Err(CommandError::Message(
            "--format focus has a row for each day; leave out --records".to_owned(),
        )),
        (ExportFormat::Focus, false) => focus_days(source, csv::Writer::from_writer(output)).await,
        (ExportFormat::Csv, true) => all_records(source, csv::Writer::from_writer(output)).await,
        (ExportFormat::Csv, false) => all_days(source, csv::Writer::from_writer(output)).await,
        (ExportFormat::Jsonl, true) => all_records(source, JsonLines(output)).await,
        (ExportFormat::Jsonl, false) => all_days(source, JsonLines(output)).await,
    }
}

/// A format of rows.
trait RowWriter {
    fn header(&mut self, columns: &[ExportColumn]) -> io::Result<()>;
    fn row(&mut self, columns: &[ExportColumn], values: &[Value<'_>]) -> io::Result<()>;
    fn finish(self) -> io::Result<()>;
}

/// One JSON object per line.
struct JsonLines<W>(W);

impl<W: Write> RowWriter for JsonLines<W> {
    fn header(&mut self, _: &[ExportColumn]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, columns: &[ExportColumn], values: &[Value<'_>]) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, &JsonRow { columns, values })?;
        self.0.write_all(b"\n")
    }

    fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> RowWriter for csv::Writer<W> {
    fn header(&mut self, columns: &[ExportColumn]) -> io::Result<()> {
        let names = columns.iter().map(|column| column.name.as_bytes());
        self.write_record(names).map_err(io_error)
    }

    fn row(&mut self, _: &[ExportColumn], values: &[Value<'_>]) -> io::Result<()> {
        for value in values {
            self.write_field(value.text().as_bytes())
                .map_err(io_error)?;
        }
        self.write_record(None::<&[u8]>).map_err(io_error)
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush()
    }
}

async fn all_records(source: &UsageSource, mut rows: impl RowWriter) -> Result<(), CommandError> {
    let columns = ExportColumn::of_records();
    rows.header(&columns)?;
    let mut after = None;
    loop {
        let days = source.days();
        let page = source
            .store
            .usage_records(days, after.as_ref(), PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(rows.finish()?);
        };
        after = Some(RecordPosition {
            at: last.at,
            id: last.id.clone(),
        });
        for record in &page {
            rows.row(&columns, &record_values(&columns, record))?;
        }
    }
}

async fn all_days(source: &UsageSource, mut rows: impl RowWriter) -> Result<(), CommandError> {
    let columns = ExportColumn::of_days();
    rows.header(&columns)?;
    let mut after = None;
    loop {
        let page = source
            .store
            .daily_usage(source.days(), after.as_ref(), PAGE)
            .await?;
        for day in &page {
            rows.row(&columns, &day_values(&columns, day))?;
        }
        after = match page.into_iter().next_back() {
            Some(last) => Some(last),
            None => return Ok(rows.finish()?),
        };
    }
}

async fn focus_days(
    source: &UsageSource,
    mut rows: csv::Writer<impl Write>,
) -> Result<(), CommandError> {
    rows.write_record(focus::COLUMNS).map_err(io_error)?;
    let mut after = None;
    loop {
        let page = source
            .store
            .daily_usage(source.days(), after.as_ref(), PAGE)
            .await?;
        for row in page.iter().filter_map(focus::row) {
            rows.write_record(row).map_err(io_error)?;
        }
        after = match page.into_iter().next_back() {
            Some(last) => Some(last),
            None => return Ok(rows.flush()?),
        };
    }
}

/// The error of the output, by which a closed pipe is recognized.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
