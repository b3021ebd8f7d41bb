//! Parses the `Range` header.

use std::ops::Range;

/// A range applied to an object of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// No range, or one that S3 ignores: several ranges, other units.
    Complete,
    Bytes(Range<usize>),
    /// The range starts after the end.
    Outside,
}

/// Parses `bytes=0-99`, `bytes=100-` and `bytes=-100`.
pub(super) fn part(range: Option<&str>, length: usize) -> Part {
    let Some((first, last)) = range.and_then(bounds) else {
        return Part::Complete;
    };
    match (first, last) {
        (Some(first), Some(last)) if last < first => Part::Complete,
        (Some(first), _) if first >= length => Part::Outside,
        (Some(first), last) => {
            let end = last.map_or(length, |last| last.saturating_add(1).min(length));
            Part::Bytes(first..end)
        }
        (None, Some(0)) => Part::Outside,
        (None, Some(_)) if length == 0 => Part::Outside,
        (None, Some(count)) => Part::Bytes(length.saturating_sub(count)..length),
        (None, None) => Part::Complete,
    }
}

fn bounds(range: &str) -> Option<(Option<usize>, Option<usize>)> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    };
    Some((number(first)?, number(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_byte_ranges_are_parsed() {
        for (range, part_of_ten) in [
            ("bytes=0-3", Part::Bytes(0..4)),
            ("bytes=4-", Part::Bytes(4..10)),
            ("bytes=4-99", Part::Bytes(4..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-99", Part::Bytes(0..10)),
            ("bytes=10-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-4", Part::Complete),
            ("bytes=0-1,3-4", Part::Complete),
            ("lines=0-1", Part::Complete),
        ] {
            assert_eq!(part(Some(range), 10), part_of_ten, "{range}");
        }
        assert_eq!(part(None, 10), Part::Complete);
    }
}
