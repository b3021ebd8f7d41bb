//! Pictures in data URLs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::converse::request::{ImageBlock, ImageFormat, ImageSource};
use crate::fault::Fault;

/// Clients leave the padding out at times; it is put back for Bedrock.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The block for the picture at `url`; `path` is where the client wrote it.
///
/// The format is read from the bytes, since clients often declare another.
pub(super) fn image_block(url: &str, path: &str) -> Result<ImageBlock, Fault> {
    let Some(rest) = strip_prefix_ignoring_case(url, "data:") else {
        return Err(not_a_data_url(url, path));
    };
    let Some((header, data)) = rest.split_once(',') else {
        return Err(invalid(path, "the data URL has no comma before its data"));
    };
    if !header.to_ascii_lowercase().ends_with(";base64") {
        return Err(invalid(
            path,
            "the data URL is not base64; write `data:image/png;base64,...`",
        ));
    }
    let compact: String;
    let data = if data.contains(|c: char| c.is_ascii_whitespace()) {
        compact = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        &compact
    } else {
        data
    };
    let bytes = LENIENT
        .decode(data)
        .map_err(|_| invalid(path, "the data of the data URL is not base64"))?;
    let format = format_of(&bytes)
        .ok_or_else(|| invalid(path, "the picture is none of PNG, JPEG, GIF and WebP"))?;
    let text = if data.len().is_multiple_of(4) {
        data.to_owned()
    } else {
        base64::engine::general_purpose::STANDARD.encode(&bytes)
    };
    Ok(ImageBlock {
        format,
        source: ImageSource::Bytes(text),
    })
}

fn invalid(path: &str, message: &str) -> Fault {
    Fault::invalid(path, message).code("invalid_image_format")
}

fn not_a_data_url(url: &str, path: &str) -> Fault {
    let scheme = url.split(':').next().unwrap_or_default();
    let remedy = "send the picture as a data URL, `data:image/png;base64,...`";
    match scheme {
        "http" | "https" => Fault::unsupported_value(
            path,
            format!("pictures are not fetched from `{scheme}` addresses; {remedy}"),
        ),
        _ => Fault::invalid(path, format!("this is not a data URL; {remedy}"))
            .code("invalid_image_url"),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// The format that the first bytes tell.
fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', ..] => Some(ImageFormat::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(ImageFormat::Webp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIF: &str = "R0lGODlhAQABAAAAACw=";

    #[test]
    fn the_bytes_decide_the_format() {
        let block = image_block(&format!("data:image/png;base64,{GIF}"), "p").expect("a picture");
        assert_eq!(block.format, ImageFormat::Gif);
        assert_eq!(block.source, ImageSource::Bytes(GIF.to_owned()));
    }

    #[test]
    fn missing_padding_and_line_breaks_are_mended() {
        let url = "DATA:image/jpg;base64,R0lGODlh\nAQABAAAAACw";
        let block = image_block(url, "p").expect("a picture");
        assert_eq!(block.source, ImageSource::Bytes(GIF.to_owned()));
    }

    #[test]
    fn what_is_not_a_picture_is_refused_with_its_path() {
        for url in [
            "https://example.com/a.png",
            "file:///etc/passwd",
            "data:image/png,abc",
            "data:image/png;base64",
            "data:image/png;base64,",
            "data:image/png;base64,!!!!",
            "data:image/png;base64,AAAA",
            "",
        ] {
            let fault = image_block(url, "messages[0].content[1].image_url.url");
            let parameter = fault.err().and_then(|fault| fault.parameter);
            assert_eq!(
                parameter.as_deref(),
                Some("messages[0].content[1].image_url.url"),
                "{url}"
            );
        }
    }
}
