//! Document names that Bedrock accepts.

use std::collections::HashSet;

use percent_encoding::percent_decode_str;

/// The maximum length of a name (botocore, bedrock-runtime: `DocumentBlock.name`).
const MAX_NAME_BYTES: usize = 200;

/// The name of a document without a filename, or without any character that Bedrock accepts.
const DEFAULT_NAME: &str = "document";

/// Gives every document of a request a unique name: Bedrock rejects duplicate names.
///
/// A name depends only on earlier documents, so that the names stay the same while a conversation
/// grows, which keeps the cached prompt prefix valid.
#[derive(Debug, Default)]
pub(super) struct DocumentNames {
    assigned: HashSet<String>,
}

impl DocumentNames {
    /// The name of the next document, derived from its `filename`.
    pub(super) fn name(&mut self, filename: Option<&str>) -> String {
        let name = legal_name(filename.unwrap_or_default());
        let mut candidate = name.clone();
        let mut number = 1;
        while !self.assigned.insert(candidate.clone()) {
            number += 1;
            let suffix = format!(" {number}");
            let room = MAX_NAME_BYTES.saturating_sub(suffix.len());
            // Legal names are ASCII.
            let head = name.get(..room).unwrap_or(&name).trim_end();
            candidate = format!("{head}{suffix}");
        }
        candidate
    }

    /// The number of documents so far.
    pub(super) fn count(&self) -> usize {
        self.assigned.len()
    }
}

/// The file name of a URL: the last segment of its path.
pub(super) fn filename_of_address(address: &str) -> String {
    let (_, path) = address.split_once("://").unwrap_or(("", address));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    // The text before the first slash is a host or a bucket.
    let name = path.rsplit_once('/').map_or("", |(_, name)| name);
    percent_decode_str(name).decode_utf8_lossy().into_owned()
}

/// The extension of a filename, in lower case.
pub(super) fn extension(filename: &str) -> Option<String> {
    let (_, extension) = filename.rsplit_once('.')?;
    Some(extension.trim().to_ascii_lowercase())
}

/// `filename` without folders and extension, restricted to letters, digits, single spaces, hyphens,
/// parentheses and brackets. Bedrock accepts only ASCII letters; other characters become spaces.
fn legal_name(filename: &str) -> String {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-()[]".contains(c);
    let mut legal = String::with_capacity(stem.len().min(MAX_NAME_BYTES));
    for word in stem.split(|c| !allowed(c)).filter(|word| !word.is_empty()) {
        if !legal.is_empty() {
            legal.push(' ');
        }
        legal.push_str(word);
    }
    legal.truncate(MAX_NAME_BYTES);
    legal.truncate(legal.trim_end().len());
    // A name needs at least one letter or digit.
    match legal.contains(|c: char| c.is_ascii_alphanumeric()) {
        true => legal,
        false => DEFAULT_NAME.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(filenames: &[&str]) -> Vec<String> {
        let mut names = DocumentNames::default();
        filenames
            .iter()
            .map(|name| names.name(Some(name)))
            .collect()
    }

    #[test]
    fn a_name_keeps_the_characters_bedrock_allows() {
        let long = "a".repeat(300);
        for (filename, name) in [
            ("report.pdf", "report"),
            ("Q3 report (final) [v2]-b.docx", "Q3 report (final) [v2]-b"),
            ("my_report.v1.2.pdf", "my report v1 2"),
            ("  a \t b__c .txt", "a b c"),
            ("C:\\Users\\me\\notes.txt", "notes"),
            ("/tmp/notes.txt", "notes"),
            ("Übersicht.pdf", "bersicht"),
            ("契約書.pdf", "document"),
            (".env", "env"),
            ("--.pdf", "document"),
            ("", "document"),
            (long.as_str(), &long[..200]),
        ] {
            assert_eq!(names(&[filename]), [name], "{filename}");
        }
        assert_eq!(DocumentNames::default().name(None), "document");
    }

    #[test]
    fn duplicate_names_are_numbered_in_order() {
        assert_eq!(
            names(&["a.pdf", "a.txt", "b.pdf", "a 2.pdf", "a.pdf", "a 2.md"]),
            ["a", "a 2", "b", "a 2 2", "a 3", "a 2 3"]
        );
    }

    #[test]
    fn a_filename_is_taken_from_the_url() {
        for (address, filename) in [
            ("s3://bucket/reports/q3.pdf", "q3.pdf"),
            ("https://example.com/a%20b.pdf?sig=x/y.z#p", "a b.pdf"),
            ("https://example.com", ""),
            ("https://example.com/reports/", ""),
        ] {
            assert_eq!(filename_of_address(address), filename, "{address}");
        }
        assert_eq!(extension("a.tar.GZ").as_deref(), Some("gz"));
        assert_eq!(extension("README"), None);
    }

    proptest! {
        #[test]
        fn any_filenames_become_valid_unique_names(
            filenames in prop::collection::vec("(\\PC{0,8}|[ab_ .]{0,3}|a{196,204}( 2)?)", 1..12),
        ) {
            let filenames: Vec<&str> = filenames.iter().map(String::as_str).collect();
            let assigned = names(&filenames);
            for name in &assigned {
                prop_assert!((1..=MAX_NAME_BYTES).contains(&name.len()), "{}", name);
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || " -()[]".contains(c)));
                prop_assert!(!name.contains("  "));
                prop_assert_eq!(name.trim(), name);
            }
            let unique: HashSet<&String> = assigned.iter().collect();
            prop_assert_eq!(unique.len(), assigned.len());
            // Without the last document, the names stay the same.
            let before = names(&filenames[..filenames.len() - 1]);
            prop_assert_eq!(&before[..], &assigned[..before.len()]);
        }
    }
}
