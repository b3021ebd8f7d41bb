//! Finds the end of a JSON value that arrives in fragments.

/// Finds the end of an object or an array across fragments.
#[derive(Debug, Default)]
pub(crate) struct JsonEnd {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl JsonEnd {
    /// The byte offset of the end of the value in the next fragment, if it ends there; always a
    /// character boundary.
    pub(crate) fn find(&mut self, text: &str) -> Option<usize> {
        for (position, byte) in text.bytes().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(position + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
