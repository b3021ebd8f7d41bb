use std::io::Write;

use super::CommandError;
use super::source::{Days, UsageSource};
use crate::models::Usd;
use crate::store::{UsageDimension, UsageRow, UsageSums};
use crate::usage::ReportRow;

/// Nanodollars of a ten-thousandth of a dollar.
const TEN_THOUSANDTH: i64 = 100_000;

/// `outcrop usage show`
pub(super) async fn run(
    source: &UsageSource,
    by: &[UsageDimension],
    days: Days<'_>,
    json: bool,
    mut output: impl Write,
) -> Result<(), CommandError> {
    let rows = source.sums(by, days).await?;
    match json {
        true => write_json(&rows, by, &mut output)?,
        false => output.write_all(table(&rows, by).as_bytes())?,
    }
    Ok(output.flush()?)
}

fn write_json(
    rows: &[UsageRow],
    by: &[UsageDimension],
    output: &mut impl Write,
) -> std::io::Result<()> {
    let rows: Vec<ReportRow<'_>> = rows
        .iter()
        .map(|row| ReportRow {
            by,
            group: &row.group,
            key_name: row.key_name.as_deref(),
            sums: &row.sums,
        })
        .collect();
    serde_json::to_writer_pretty(&mut *output, &rows)?;
    writeln!(output)
}

/// The rows as text, with their total.
fn table(rows: &[UsageRow], by: &[UsageDimension]) -> String {
    let mut total = UsageSums::default();
    let mut lines = vec![header(by)];
    for row in rows {
        total.add(&row.sums);
        let names = names(row, by).map(|name| match name {
            "" => "-".to_owned(),
            name => name.to_owned(),
        });
        lines.push(names.chain(numbers(&row.sums)).collect());
    }
    let columns = by.len() + usize::from(by.contains(&UsageDimension::Key));
    if rows.len() > 1 {
        let mut names = vec![String::new(); columns];
        if let Some(first) = names.first_mut() {
            *first = "total".to_owned();
        }
        lines.push(names.into_iter().chain(numbers(&total)).collect());
    }
    let mut text = aligned(&lines, columns);
    if total.unpriced_requests > 0 {
        text += &format!(
            "\nThe price of {} requests is not known; the cost does not include them.\n",
            total.unpriced_requests
        );
    }
    text
}

/// The values of the dimensions; that of a key follows its name.
fn names<'a>(row: &'a UsageRow, by: &'a [UsageDimension]) -> impl Iterator<Item = &'a str> {
    by.iter().zip(&row.group).flat_map(|(dimension, value)| {
        let is_key = *dimension == UsageDimension::Key;
        let name = row.key_name.as_deref().filter(|_| is_key);
        name.into_iter().chain([value.as_str()])
    })
}

fn header(by: &[UsageDimension]) -> Vec<String> {
    let names = by.iter().flat_map(|dimension| {
        let name = (*dimension == UsageDimension::Key).then_some("key name");
        name.into_iter().chain([dimension.as_str()])
    });
    let numbers = [
        "requests",
        "failed",
        "input tokens",
        "output tokens",
        "cost USD",
    ];
    names.chain(numbers).map(str::to_uppercase).collect()
}

fn numbers(sums: &UsageSums) -> [String; 5] {
    [
        sums.requests.to_string(),
        sums.failed_requests.to_string(),
        sums.input_tokens.to_string(),
        sums.output_tokens.to_string(),
        dollars(sums.cost),
    ]
}

/// An amount for people, with four decimals.
pub(in crate::commands) fn dollars(nanodollars: i64) -> String {
    match nanodollars {
        1..TEN_THOUSANDTH => "<0.0001".to_owned(),
        _ => {
            let rounded = nanodollars
                .saturating_add(TEN_THOUSANDTH / 2)
                .div_euclid(TEN_THOUSANDTH);
            let amount = Usd::from_nanodollars(rounded.saturating_mul(TEN_THOUSANDTH)).to_string();
            let (whole, decimals) = amount.split_once('.').unwrap_or((&amount, ""));
            format!("{whole}.{decimals:0<4}")
        }
    }
}

/// Lines of columns; the first `names` are aligned to the left, the others to the right.
fn aligned(lines: &[Vec<String>], names: usize) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        widths.resize(widths.len().max(line.len()), 0);
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate();
        let cells = cells.map(|(index, (cell, width))| match index < names {
            true => format!("{cell:width$}"),
            false => format!("{cell:>width$}"),
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_for_people_have_four_decimals() {
        for (nanodollars, expected) in [
            (0, "0.0000"),
            (1, "<0.0001"),
            (99_999, "<0.0001"),
            (100_000, "0.0001"),
            (1_150_000, "0.0012"),
            (12_345_678_901, "12.3457"),
            (5_000_000_000, "5.0000"),
        ] {
            assert_eq!(dollars(nanodollars), expected);
        }
    }

    #[test]
    fn a_key_has_its_name_and_its_id() {
        let rows = [UsageRow {
            group: vec!["search".to_owned(), "key_1".to_owned()],
            key_name: Some("nightly".to_owned()),
            sums: UsageSums::default(),
        }];
        let by = [UsageDimension::Team, UsageDimension::Key];
        let table = table(&rows, &by);
        assert!(
            table.starts_with("TEAM    KEY NAME  KEY    REQUESTS"),
            "{table}"
        );
        assert!(table.contains("\nsearch  nightly   key_1  "), "{table}");
        let mut json = Vec::new();
        write_json(&rows, &by, &mut json).expect("written");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(
            (&json[0]["key"], &json[0]["key_name"]),
            (&"key_1".into(), &"nightly".into())
        );
    }

    #[test]
    fn a_table_has_aligned_columns_and_a_total() {
        let row = |team: &str, model: &str, requests, cost| UsageRow {
            group: vec![team.to_owned(), model.to_owned()],
            key_name: None,
            sums: UsageSums {
                requests,
                input_tokens: 70,
                cost,
                unpriced_requests: 1,
                ..UsageSums::default()
            },
        };
        let rows = [
            row("", "gpt-4o", 1, 1_000_000),
            row("search", "", 20, 2_000_000_000),
        ];
        let table = table(&rows, &[UsageDimension::Team, UsageDimension::Model]);
        let expected = [
            "TEAM    MODEL   REQUESTS  FAILED  INPUT TOKENS  OUTPUT TOKENS  COST USD",
            "-       gpt-4o         1       0            70              0    0.0010",
            "search  -             20       0            70              0    2.0000",
            "total                 21       0           140              0    2.0010",
            "",
            "The price of 2 requests is not known; the cost does not include them.",
            "",
        ];
        assert_eq!(table, expected.join("\n"));
    }
}
