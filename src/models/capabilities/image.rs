//! Capabilities of an image model. `models.toml` documents the fields.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// What an image model supports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageCapabilities {
    /// The form of the request body.
    pub body: ImageBody,
    /// The supported tasks; the first is the default.
    pub tasks: Vec<ImageTask>,
    /// Whether an edit requires a prompt, accepts one, or has none.
    #[serde(default)]
    pub prompt: Requirement,
    /// The maximum prompt length in characters.
    pub max_prompt_chars: usize,
    /// The body fields of the input images, in order.
    #[serde(default = "image")]
    pub image_keys: Vec<String>,
    /// The maximum number of input images of an edit.
    #[serde(default = "one")]
    pub max_images: usize,
    /// The accepted input formats, as OpenAI names them.
    #[serde(default)]
    pub input_formats: Vec<String>,
    /// The minimum side of an input image, in pixels.
    #[serde(default)]
    pub min_side: u32,
    /// The maximum side of an input image, in pixels; 0 if unknown.
    #[serde(default)]
    pub max_side: u32,
    /// The maximum number of pixels of an input image; 0 if unknown.
    #[serde(default)]
    pub max_input_pixels: u64,
    /// The mask convention; `None` if masks are not supported.
    #[serde(default)]
    pub mask: Option<MaskConvention>,
    /// The supported aspect ratios.
    #[serde(default)]
    pub aspect_ratios: Vec<AspectRatio>,
    /// The supported sizes, if AWS lists them.
    #[serde(default)]
    pub sizes: Vec<Size>,
    /// The supported sizes, if they follow a rule.
    #[serde(default)]
    pub sides: Option<Sides>,
    /// The maximum number of images per call.
    #[serde(default = "one_u32")]
    pub images_per_call: u32,
    /// The supported output formats, as OpenAI names them, the default first.
    pub output_formats: Vec<String>,
    /// Whether a transparent background is supported.
    #[serde(default)]
    pub transparent: bool,
    /// Whether premium quality is supported.
    #[serde(default)]
    pub premium: bool,
    /// The maximum seed.
    #[serde(default = "default_max_seed")]
    pub max_seed: u64,
    /// Additional fields, by the names used in the client's request.
    #[serde(default)]
    pub takes: Vec<String>,
    /// The default strength of a variation, in hundredths, for models that require a strength; 0
    /// for the others.
    #[serde(default)]
    pub default_strength: u32,
    /// The additional fields that are required.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The pixel count up to which the price in prices.toml applies at standard quality; 0 if it
    /// always applies.
    #[serde(default)]
    pub priced_pixels: u64,
}

/// The form of a request body, shared by several models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageBody {
    /// Stability's models and services: a flat object.
    Stability,
    /// Stable Diffusion XL: weighted prompts.
    Diffusion,
    /// Nova Canvas and Titan Image: a task and its parameters.
    Canvas,
}

/// An image task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageTask {
    /// Generate an image from a prompt.
    Generate,
    /// Generate an image from a prompt in given colors.
    ColorGuided,
    /// The model's only edit operation.
    Edit,
    /// Generate a variation of the input images.
    Vary,
    /// Regenerate the masked area.
    Inpaint,
    /// Regenerate the area around the mask.
    Outpaint,
    /// Remove the background.
    RemoveBackground,
}

/// Whether a field is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Required.
    #[default]
    Required,
    /// Optional.
    Optional,
    /// Not supported.
    None,
}

/// Which mask color marks the edited area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskConvention {
    /// Black is edited, white is kept.
    BlackEdits,
    /// White is edited, black is kept.
    WhiteEdits,
}

/// Width and height in pixels, written `1024x768`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// The ratio of width to height, written `3:2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AspectRatio {
    /// The width's share.
    pub width: u32,
    /// The height's share.
    pub height: u32,
}

/// A rule for the side lengths of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// The minimum side in pixels.
    pub min: u32,
    /// The maximum side in pixels.
    pub max: u32,
    /// Both sides are multiples of this.
    pub step: u32,
    /// The maximum number of pixels.
    pub max_pixels: u64,
    /// The maximum ratio of the longer to the shorter side.
    pub max_aspect_ratio: u32,
}

impl ImageCapabilities {
    /// Whether `task` is supported.
    pub fn supports(&self, task: ImageTask) -> bool {
        self.tasks.contains(&task)
    }

    /// Whether the additional field `name` is supported.
    pub fn takes(&self, name: &str) -> bool {
        self.takes.iter().any(|supported| supported == name)
    }

    /// The aspect ratio closest to `size`.
    pub fn nearest_ratio(&self, size: Size) -> Option<AspectRatio> {
        let distance = |ratio: &AspectRatio| {
            let requested = f64::from(size.width) / f64::from(size.height);
            let got = f64::from(ratio.width) / f64::from(ratio.height);
            (requested / got).ln().abs()
        };
        let ratios = self.aspect_ratios.iter().copied();
        ratios.min_by(|one, other| distance(one).total_cmp(&distance(other)))
    }
}

impl Sides {
    /// Whether `size` follows the rule.
    pub fn allow(&self, size: Size) -> bool {
        let side = |side: u32| {
            (self.min..=self.max).contains(&side) && side.is_multiple_of(self.step.max(1))
        };
        let longer = size.width.max(size.height);
        let shorter = size.width.min(size.height);
        side(size.width)
            && side(size.height)
            && size.pixels() <= self.max_pixels
            && u64::from(longer) <= u64::from(shorter) * u64::from(self.max_aspect_ratio)
    }
}

impl Size {
    /// Parses `1024x768`; sides must be positive.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = sides(text, 'x')?;
        Some(Self { width, height })
    }

    /// The number of pixels.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl AspectRatio {
    /// Parses `3:2`; parts must be positive.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = sides(text, ':')?;
        Some(Self { width, height })
    }
}

fn sides(text: &str, separator: char) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(separator)?;
    let side = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let side = digits.then(|| text.parse().ok()).flatten()?;
        (side > 0).then_some(side)
    };
    Some((side(width)?, side(height)?))
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

impl fmt::Display for AspectRatio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.width, self.height)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom(format!("invalid size `{text}`; write it as `1024x768`"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for AspectRatio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || de::Error::custom(format!("invalid aspect ratio `{text}`; write it as `3:2`"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

fn image() -> Vec<String> {
    vec!["image".to_owned()]
}

fn default_max_seed() -> u64 {
    4_294_967_294
}

fn one() -> usize {
    1
}

fn one_u32() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{ModelId, ModelTable};

    fn capabilities(id: &str) -> ImageCapabilities {
        let table = ModelTable::built_in().expect("the built-in table");
        let id = ModelId::parse(id).expect("an id");
        table
            .capabilities(&id)
            .image
            .clone()
            .expect("an image model")
    }

    fn size(text: &str) -> Size {
        Size::parse(text).expect(text)
    }

    #[test]
    fn sizes_and_ratios_are_read_as_they_are_written() {
        assert_eq!(size("1024x768").to_string(), "1024x768");
        for wrong in ["", "1024", "1024x", "0x1", "-1x1", "+1x1", "1x1x1", "1 x1"] {
            assert_eq!(Size::parse(wrong), None, "{wrong}");
        }
        let ratio = AspectRatio::parse("3:2").expect("a ratio");
        assert_eq!(ratio.to_string(), "3:2");
    }

    #[test]
    fn the_nearest_aspect_ratio_is_found() {
        let capabilities = capabilities("stability.sd3-5-large-v1:0");
        for (requested, ratio) in [
            ("1024x1024", "1:1"),
            ("1536x1024", "3:2"),
            ("1024x1536", "2:3"),
            ("1792x1024", "16:9"),
            ("1024x1792", "9:16"),
            ("4000x100", "21:9"),
        ] {
            let nearest = capabilities
                .nearest_ratio(size(requested))
                .expect("a ratio");
            assert_eq!(nearest.to_string(), ratio, "{requested}");
        }
    }

    #[test]
    fn nova_canvas_takes_sizes_by_rule() {
        let sides = capabilities("amazon.nova-canvas-v1:0")
            .sides
            .expect("a rule");
        for (text, allowed) in [
            ("320x320", true),
            ("1024x1024", true),
            ("2048x2048", true),
            ("1280x320", true),
            ("304x320", false),
            ("1024x1000", false),
            ("4096x4096", false),
            ("2048x320", false),
        ] {
            assert_eq!(sides.allow(size(text)), allowed, "{text}");
        }
    }

    #[test]
    fn the_words_of_the_built_in_table_are_known() {
        let table = ModelTable::built_in().expect("the built-in table");
        let mut models = 0;
        for stem in table.stems() {
            let id = ModelId::parse(stem).expect(stem);
            let Some(capabilities) = &table.capabilities(&id).image else {
                continue;
            };
            models += 1;
            let formats = capabilities
                .output_formats
                .iter()
                .chain(&capabilities.input_formats);
            for format in formats {
                assert!(
                    ["png", "jpeg", "webp"].contains(&&**format),
                    "{stem}: {format}"
                );
            }
            assert!(
                capabilities
                    .needs
                    .iter()
                    .all(|name| capabilities.takes(name)),
                "{stem}"
            );
            assert!(
                !capabilities.tasks.is_empty() && !capabilities.output_formats.is_empty(),
                "{stem}"
            );
        }
        assert!(models >= 18, "{models}");
    }
}
