//! What parts point to by addresses on the web: https, and http where the operator allows that.

use std::collections::HashMap;

use bytes::Bytes;

use super::types::{FilePart, ImageUrl, InputAudio, VideoUrl};
use crate::openai::chat::content::{Content, StringOrObject};
use crate::openai::chat::types::ChatRequest;

/// What was fetched for a request, by the address that a part points to.
pub type RemoteFiles = HashMap<String, RemoteMedia>;

/// What lay at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMedia {
    /// The bytes.
    pub bytes: Bytes,
    /// The media type that the server declared.
    pub content_type: Option<String>,
}

/// A part that may point to an address on the web.
pub(in crate::openai::chat) trait Remote {
    /// The address and its place within the part, such as `image_url.url`.
    fn remote_address(&self) -> Option<(&str, &'static str)>;
}

impl Remote for StringOrObject<ImageUrl> {
    fn remote_address(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::String(url) => web(Some(url), "image_url"),
            Self::Object(part) => web(part.url.as_deref(), "image_url.url"),
        }
    }
}

impl Remote for StringOrObject<VideoUrl> {
    fn remote_address(&self) -> Option<(&str, &'static str)> {
        match self {
            Self::String(url) => web(Some(url), "video_url"),
            Self::Object(part) => web(part.url.as_deref(), "video_url.url"),
        }
    }
}

impl Remote for InputAudio {
    fn remote_address(&self) -> Option<(&str, &'static str)> {
        web(self.data.as_deref(), "input_audio.data")
    }
}

impl Remote for FilePart {
    fn remote_address(&self) -> Option<(&str, &'static str)> {
        web(self.file_url.as_deref(), "file.file_url")
            .or_else(|| web(self.file_id.as_deref(), "file.file_id"))
            .or_else(|| web(self.file_data.as_deref(), "file.file_data"))
    }
}

/// An address that a part points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteAddress {
    /// The address, as the client wrote it.
    pub address: String,
    /// Where it stands in the request.
    pub path: String,
}

/// The addresses on the web that the parts of a request point to, in order.
pub fn remote_addresses(request: &ChatRequest) -> Vec<RemoteAddress> {
    let mut addresses = Vec::new();
    for (message, location) in request.messages.iter().flatten().zip(0..) {
        let Some(Content::Parts(parts)) = &message.content else {
            continue;
        };
        for (part, position) in parts.iter().zip(0..) {
            let remotes: [Option<&dyn Remote>; 4] = [
                part.image_url.as_deref().map(|part| part as &dyn Remote),
                part.file.as_deref().map(|part| part as &dyn Remote),
                part.input_audio.as_deref().map(|part| part as &dyn Remote),
                part.video_url.as_deref().map(|part| part as &dyn Remote),
            ];
            let remotes = remotes.into_iter().flatten();
            for (address, field) in remotes.filter_map(Remote::remote_address) {
                addresses.push(RemoteAddress {
                    address: address.to_owned(),
                    path: format!("messages[{location}].content[{position}].{field}"),
                });
            }
        }
    }
    addresses
}

fn web<'a>(address: Option<&'a str>, location: &'static str) -> Option<(&'a str, &'static str)> {
    let address = address.filter(|address| is_web_address(address))?;
    Some((address, location))
}

/// Whether `text` means to be an https address, or an http one; the fetcher says whether those are
/// fetched.
pub(in crate::openai) fn is_web_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_collected_with_their_paths() {
        let url = "https://example.com/a".to_owned();
        let image = StringOrObject::<ImageUrl>::String(url.clone());
        assert_eq!(image.remote_address(), Some((url.as_str(), "image_url")));
        let video = StringOrObject::Object(VideoUrl {
            url: Some("HTTP://example.com/a".to_owned()),
            ..VideoUrl::default()
        });
        let addresses = video.remote_address();
        assert_eq!(addresses, Some(("HTTP://example.com/a", "video_url.url")));
        let file = FilePart {
            file_id: Some(url.clone()),
            ..FilePart::default()
        };
        assert_eq!(file.remote_address(), Some((url.as_str(), "file.file_id")));
        let audio = InputAudio {
            data: Some("s3://bucket/key".to_owned()),
            ..InputAudio::default()
        };
        assert_eq!(audio.remote_address(), None);
    }
}
