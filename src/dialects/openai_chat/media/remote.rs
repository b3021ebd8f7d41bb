//! Finds the web URLs of media parts: https, and http if the operator allows it.

use super::types::{FilePart, ImageUrl, InputAudio, VideoUrl};
use crate::converse::media::{RemoteAddress, is_web_address};
use crate::dialects::openai_chat::content::Content;
use crate::dialects::openai_chat::types::ChatRequest;
use crate::dialects::wire::StringOrObject;

/// A part that may refer to a web URL.
pub(in crate::dialects::openai_chat) trait Remote {
    /// The URL and its path in the part, such as `image_url.url`.
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

/// The web URLs of all parts of a request, in order.
pub fn remote_addresses(request: &ChatRequest) -> Vec<RemoteAddress> {
    let mut addresses = Vec::new();
    for (message, index) in request.messages.iter().flatten().zip(0..) {
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
                    path: format!("messages[{index}].content[{position}].{field}").into(),
                });
            }
        }
    }
    addresses
}

fn web<'a>(address: Option<&'a str>, field: &'static str) -> Option<(&'a str, &'static str)> {
    let address = address.filter(|address| is_web_address(address))?;
    Some((address, field))
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
