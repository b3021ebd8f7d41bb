//! Detects office documents in their containers.

use memchr::memmem;

use crate::converse::media::DocumentFormat;

/// The central directory header and the local header of a ZIP entry, with the offsets of the name's
/// length and of the name (PKWARE's APPNOTE, 4.3.12 and 4.3.7).
const ZIP_HEADERS: [ZipHeader; 2] = [
    ZipHeader {
        signature: b"PK\x01\x02",
        length_at: 28,
        name_at: 46,
    },
    ZipHeader {
        signature: b"PK\x03\x04",
        length_at: 26,
        name_at: 30,
    },
];

struct ZipHeader {
    signature: &'static [u8; 4],
    length_at: usize,
    name_at: usize,
}

/// The container of an office document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// A ZIP archive: docx, xlsx.
    Zip,
    /// A compound file: doc, xls.
    Compound,
}

/// The container, by the first bytes of the file.
pub(super) fn container(bytes: &[u8]) -> Option<Container> {
    match bytes {
        [b'P', b'K', 3, 4, ..] => Some(Container::Zip),
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => Some(Container::Compound),
        _ => None,
    }
}

/// The document format, by the names of the container's entries; `None` if they are not decisive.
pub(super) fn contained_document(container: Container, bytes: &[u8]) -> Option<DocumentFormat> {
    match container {
        Container::Zip => zipped_document(bytes),
        Container::Compound => compound_document(bytes),
    }
}

fn zipped_document(bytes: &[u8]) -> Option<DocumentFormat> {
    // A complete archive has a central directory at its end. The local headers identify a truncated
    // archive.
    ZIP_HEADERS.iter().find_map(|header| {
        memmem::find_iter(bytes, header.signature)
            .filter_map(|start| entry_name(bytes.get(start..)?, header))
            .find_map(|name| match name {
                [b'w', b'o', b'r', b'd', b'/', ..] => Some(DocumentFormat::Docx),
                [b'x', b'l', b'/', ..] => Some(DocumentFormat::Xlsx),
                _ => None,
            })
    })
}

fn entry_name<'a>(entry: &'a [u8], header: &ZipHeader) -> Option<&'a [u8]> {
    let length = entry.get(header.length_at..)?.first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    entry.get(header.name_at..)?.get(..length)
}

/// The directory of a compound file has UTF-16 names.
fn compound_document(bytes: &[u8]) -> Option<DocumentFormat> {
    let names = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memmem::find(bytes, &name).is_some()
    };
    if names("WordDocument") {
        Some(DocumentFormat::Doc)
    } else if names("Workbook") {
        Some(DocumentFormat::Xls)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::media::samples::{compound, zip};
    use proptest::prelude::*;

    #[test]
    fn entry_names_determine_the_document_type() {
        for (bytes, expected) in [
            (
                zip(&["[Content_Types].xml", "word/document.xml"]),
                Some(DocumentFormat::Docx),
            ),
            (
                zip(&["[Content_Types].xml", "xl/workbook.xml"]),
                Some(DocumentFormat::Xlsx),
            ),
            (zip(&["ppt/presentation.xml", "password/"]), None),
            (compound("WordDocument"), Some(DocumentFormat::Doc)),
            (compound("Workbook"), Some(DocumentFormat::Xls)),
            (compound("PowerPoint Document"), None),
        ] {
            let container = container(&bytes).expect("a container");
            assert_eq!(contained_document(container, &bytes), expected);
        }
    }

    #[test]
    fn a_truncated_archive_is_detected_by_its_entries() {
        let mut bytes = zip(&["_rels/.rels", "word/document.xml"]);
        let directory = memmem::find(&bytes, b"PK\x01\x02").expect("a directory");
        bytes.truncate(directory);
        let actual = contained_document(Container::Zip, &bytes);
        assert_eq!(actual, Some(DocumentFormat::Docx));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_accepted(bytes: Vec<u8>, cut in 0usize..200) {
            let mut archive = zip(&["word/document.xml"]);
            archive.truncate(cut);
            archive.extend(bytes);
            let _ = contained_document(Container::Zip, &archive);
            let _ = contained_document(Container::Compound, &archive);
        }
    }
}
