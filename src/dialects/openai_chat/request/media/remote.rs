//! Finds the web URLs of media parts: https, and http if the operator allows it.

use super::types::{FilePart, InputAudio, VideoUrl};
use crate::converse::media::{RemoteAddress, is_web_address};
use crate::dialects::openai_chat::request::content::Content;
use crate::dialects::openai_chat::request::types::ChatRequest;
use crate::error::{MediaField, MediaKind, PartField, PartPosition};
use crate::wire::{ImageUrl, StringOrObject};

/// A part that may refer to a web URL.
pub(in crate::dialects::openai_chat) trait Remote {
    /// The URL and its field.
    fn remote_address(&self) -> Option<(&str, MediaKind, MediaField)>;
}

impl Remote for StringOrObject<ImageUrl> {
    fn remote_address(&self) -> Option<(&str, MediaKind, MediaField)> {
        match self {
            Self::String(url) => web(Some(url), MediaKind::Image, MediaField::Whole),
            Self::Object(part) => web(part.url.as_deref(), MediaKind::Image, MediaField::Url),
        }
    }
}

impl Remote for StringOrObject<VideoUrl> {
    fn remote_address(&self) -> Option<(&str, MediaKind, MediaField)> {
        match self {
            Self::String(url) => web(Some(url), MediaKind::Video, MediaField::Whole),
            Self::Object(part) => web(part.url.as_deref(), MediaKind::Video, MediaField::Url),
        }
    }
}

impl Remote for InputAudio {
    fn remote_address(&self) -> Option<(&str, MediaKind, MediaField)> {
        web(self.data.as_deref(), MediaKind::Audio, MediaField::Data)
    }
}

impl Remote for FilePart {
    fn remote_address(&self) -> Option<(&str, MediaKind, MediaField)> {
        web(self.file_url.as_deref(), MediaKind::File, MediaField::Url)
            .or_else(|| web(self.file_id.as_deref(), MediaKind::File, MediaField::Id))
            .or_else(|| web(self.file_data.as_deref(), MediaKind::File, MediaField::Data))
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
            let position = PartPosition {
                message: index,
                part: position,
            };
            let remotes: [Option<&dyn Remote>; 4] = [
                part.image_url.as_deref().map(|part| part as &dyn Remote),
                part.file.as_deref().map(|part| part as &dyn Remote),
                part.input_audio.as_deref().map(|part| part as &dyn Remote),
                part.video_url.as_deref().map(|part| part as &dyn Remote),
            ];
            let remotes = remotes.into_iter().flatten();
            for (address, kind, field) in remotes.filter_map(Remote::remote_address) {
                addresses.push(RemoteAddress {
                    address: address.to_owned(),
                    path: position.field(PartField::Media(kind, field)).into(),
                });
            }
        }
    }
    addresses
}

fn web(
    address: Option<&str>,
    kind: MediaKind,
    field: MediaField,
) -> Option<(&str, MediaKind, MediaField)> {
    let address = address.filter(|address| is_web_address(address))?;
    Some((address, kind, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_collected_with_their_paths() {
        let url = "https://example.com/a".to_owned();
        let image = StringOrObject::<ImageUrl>::String(url.clone());
        assert_eq!(
            image.remote_address(),
            Some((url.as_str(), MediaKind::Image, MediaField::Whole))
        );
        let video = StringOrObject::Object(VideoUrl {
            url: Some("HTTP://example.com/a".to_owned()),
            ..VideoUrl::default()
        });
        let addresses = video.remote_address();
        assert_eq!(
            addresses,
            Some(("HTTP://example.com/a", MediaKind::Video, MediaField::Url))
        );
        let file = FilePart {
            file_id: Some(url.clone()),
            ..FilePart::default()
        };
        assert_eq!(
            file.remote_address(),
            Some((url.as_str(), MediaKind::File, MediaField::Id))
        );
        let audio = InputAudio {
            data: Some("s3://bucket/key".to_owned()),
            ..InputAudio::default()
        };
        assert_eq!(audio.remote_address(), None);
    }
}
