//! The files of the built-in tables.

/// Splits a file before each row (`[[…]]`) into documents of their own. While a document is parsed,
/// it takes about 30 times its text, which the allocator keeps: row by row, start-up needs
/// 1 MB less.
pub(super) fn rows(file: &str) -> impl Iterator<Item = &str> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let end = rest.find("\n[[").map_or(rest.len(), |end| end + 1);
        let (row, after) = rest.split_at_checked(end)?;
        rest = after;
        (!row.is_empty()).then_some(row)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_whole_file() {
        let file = "# heading\n[default]\na = 1\n\n[[row]]\na = 2\n[row.b]\n[[row]]\na = 3\n";
        let rows: Vec<_> = rows(file).collect();
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert_eq!(rows.concat(), file);
        assert!(rows.iter().skip(1).all(|row| row.starts_with("[[row]]")));
    }
}
