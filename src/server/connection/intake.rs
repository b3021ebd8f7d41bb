use memchr::memchr_iter;

/// Tracks the bytes of a request and of what follows it. hyper does not expose whether it holds a
/// part of the next head, which has a timeout, or nothing, so that the connection is idle.
#[derive(Debug, Default)]
pub(super) struct Intake {
    total: u64,
    /// The offset of the end of the head, once it has arrived.
    head: Option<u64>,
    /// Whether the head has a line yet: leading empty lines are ignored.
    has_line: bool,
    /// The length of the current line, and its first byte.
    line: u64,
    first: u8,
    /// The last four bytes.
    tail: [u8; 4],
}

impl Intake {
    /// Counts bytes that have been read.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if self.head.is_none() {
            self.look_for_head(bytes);
        }
        self.total += bytes.len() as u64;
        for &byte in bytes
            .get(bytes.len().saturating_sub(4)..)
            .unwrap_or_default()
        {
            let [_, one, two, three] = self.tail;
            self.tail = [one, two, three, byte];
        }
    }

    fn look_for_head(&mut self, bytes: &[u8]) {
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let part = bytes.get(start..end).unwrap_or_default();
            self.extend_line(part);
            let is_empty = self.line == 0 || (self.line == 1 && self.first == b'\r');
            if is_empty && self.has_line {
                self.head = Some(self.total + end as u64 + 1);
                return;
            }
            self.has_line |= !is_empty;
            self.line = 0;
            start = end + 1;
        }
        let part = bytes.get(start..).unwrap_or_default();
        self.extend_line(part);
    }

    fn extend_line(&mut self, part: &[u8]) {
        if self.line == 0 {
            self.first = part.first().copied().unwrap_or_default();
        }
        self.line += part.len() as u64;
    }

    /// Whether a request with a body of `length` has been read completely; unknown, hence `false`,
    /// for chunked bodies.
    pub(super) fn is_complete(&self, length: Option<u64>) -> bool {
        match (length, self.head) {
            (Some(length), Some(head)) => self.total >= head.saturating_add(length),
            (None, _) | (_, None) => false,
        }
    }

    /// Whether more has been read than a request with a body of `length`, or with a chunked one.
    pub(super) fn has_excess(&self, length: Option<u64>) -> bool {
        match (length, self.head) {
            (Some(length), Some(head)) => self.total > head.saturating_add(length),
            // The last chunk ends with an empty line, whether there are trailers or not.
            (None, Some(_)) => self.tail != *b"\r\n\r\n",
            (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\n\r\n";

    /// Reads `text` in chunks of every size.
    fn excess(text: &str, length: Option<u64>) -> bool {
        let mut found = (1..=text.len()).map(|size| {
            let mut intake = Intake::default();
            text.as_bytes()
                .chunks(size)
                .for_each(|bytes| intake.read(bytes));
            intake.has_excess(length)
        });
        let first = found.next().expect("a text");
        assert!(found.all(|other| other == first), "{text:?}");
        first
    }

    #[test]
    fn a_single_request_has_no_excess_bytes() {
        assert!(!excess(HEAD, Some(0)));
        assert!(!excess(&format!("\r\n{HEAD}"), Some(0)));
        assert!(!excess("GET / HTTP/1.1\nhost: a\n\n", Some(0)));
        assert!(!excess(&format!("{HEAD}\r\n\r\n"), Some(4)));
        assert!(!excess(&format!("{HEAD}2\r\n{{}}\r\n0\r\n\r\n"), None));
        assert!(!excess(&format!("{HEAD}0\r\nx: y\r\n\r\n"), None));
    }

    #[test]
    fn a_request_is_complete_with_the_last_byte_of_its_body() {
        for (text, length, complete) in [
            (HEAD.to_owned(), Some(0), true),
            (HEAD.to_owned(), Some(2), false),
            (format!("{HEAD}{{}}"), Some(2), true),
            ("POST / HTTP/1.1\r\n".to_owned(), Some(0), false),
            (format!("{HEAD}0\r\n\r\n"), None, false),
        ] {
            let mut intake = Intake::default();
            intake.read(text.as_bytes());
            assert_eq!(intake.is_complete(length), complete, "{text:?}");
        }
    }

    #[test]
    fn the_start_of_another_request_is_excess() {
        assert!(excess(&format!("{HEAD}G"), Some(0)));
        assert!(excess(&format!("{HEAD}{{}}GET / HTTP/1.1\r\n"), Some(2)));
        assert!(excess(&format!("{HEAD}2\r\n{{}}\r\n0\r\n\r\nGET"), None));
    }
}
