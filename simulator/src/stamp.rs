//! Prepared frames whose text is the time of their sending.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::frames;

/// The text of a delta before its time is written into it: microseconds since 1970, which have 16
/// digits until the year 2286, in brackets.
pub(crate) const BLANK: &str = "[0000000000000000]";

/// A frame with a blank time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StampedFrame {
    before: Bytes,
    after: Bytes,
}

impl StampedFrame {
    /// `None` if the frame has no blank time.
    pub(crate) fn of(frame: &Bytes) -> Option<Self> {
        let content = frame.len().checked_sub(frames::CHECKSUM)?;
        let blank = BLANK.as_bytes();
        let start = frame.windows(blank.len()).position(|part| part == blank)?;
        Some(Self {
            before: frame.slice(..start),
            after: frame.slice(start + blank.len()..content),
        })
    }

    /// The frame with this time and the checksum that belongs to it.
    pub(crate) fn at(&self, time: SystemTime) -> Bytes {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let length = self.before.len() + BLANK.len() + self.after.len();
        let mut frame = BytesMut::with_capacity(length + frames::CHECKSUM);
        frame.put_slice(&self.before);
        // Writing to memory does not fail.
        let _ = write!(frame, "[{:016}]", since_1970.as_micros());
        frame.put_slice(&self.after);
        frames::seal(frame)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stamped_frame_equals_one_that_is_made_with_its_time() {
        let frame = |text: &str| {
            let payload = format!("{{\"delta\":{{\"text\":\"{text}\"}}}}");
            frames::event("contentBlockDelta", payload.as_bytes())
        };
        let time = UNIX_EPOCH + Duration::from_micros(1_764_000_000_123_456);
        let stamped = StampedFrame::of(&frame(BLANK)).unwrap();
        assert_eq!(stamped.at(time), frame("[1764000000123456]"));
        assert_eq!(StampedFrame::of(&frame("no time")), None);
    }
}
