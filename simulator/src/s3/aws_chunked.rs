//! The `aws-chunked` encoding, which SDKs use for content that they have not read completely before
//! sending: chunks with signatures or trailers.

use bytes::Bytes;

/// Decodes the content; `None` if the chunks are malformed. Chunk signatures and trailers are
/// ignored: only the signature of the head is verified.
pub(super) fn decode(body: &[u8]) -> Option<Bytes> {
    let mut content = Vec::new();
    let mut rest = body;
    loop {
        let (line, after) = split_line(rest)?;
        let line = std::str::from_utf8(line).ok()?;
        let size = line.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content.into());
        }
        content.extend_from_slice(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_trailers_ignored() {
        let body = b"4\r\nWiki\r\n5;chunk-signature=ab\r\npedia\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(decode(body).as_deref(), Some(&b"Wikipedia"[..]));
        assert_eq!(decode(b"0\r\n\r\n").as_deref(), Some(&b""[..]));
        assert_eq!(decode(b"9\r\nWiki\r\n0\r\n\r\n"), None);
        assert_eq!(decode(b"Wiki"), None);
    }
}
