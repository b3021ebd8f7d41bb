//! What a model that makes pictures takes. The fields are explained in `models.toml`.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// What a model that makes pictures takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageCapabilities {
    /// The form of the body.
    pub body: ImageBody,
    /// What can be done with the model; what stands first is done where a request does not say.
    pub tasks: Vec<ImageTask>,
    /// Whether an edit has to have a prompt, or may have none.
    #[serde(default)]
    pub prompt: Requirement,
    /// The most characters of a prompt.
    pub max_prompt_chars: usize,
    /// The keys of the client's pictures in the body, in order.
    #[serde(default = "image")]
    pub image_keys: Vec<String>,
    /// The most pictures that an edit takes.
    #[serde(default = "one")]
    pub max_images: usize,
    /// The formats of pictures that are taken, by OpenAI's words.
    #[serde(default)]
    pub input_formats: Vec<String>,
    /// The shortest side of a picture that is taken, in pixels.
    #[serde(default)]
    pub min_side: u32,
    /// The longest side of a picture that is taken; 0 where none is known.
    #[serde(default)]
    pub max_side: u32,
    /// The most pixels of a picture that is taken; 0 where none is known.
    #[serde(default)]
    pub max_input_pixels: u64,
    /// How a mask says what is edited; nothing where no mask is taken.
    #[serde(default)]
    pub mask: Option<MaskConvention>,
    /// The aspect ratios that can be asked for.
    #[serde(default)]
    pub aspect_ratios: Vec<AspectRatio>,
    /// The sizes that can be asked for, where they are listed.
    #[serde(default)]
    pub sizes: Vec<Size>,
    /// The sizes that can be asked for, where there is a rule.
    #[serde(default)]
    pub sides: Option<Sides>,
    /// The most pictures that one call makes.
    #[serde(default = "one_u32")]
    pub images_per_call: u32,
    /// The formats that can be asked for, by OpenAI's words; the first is what comes unasked.
    pub output_formats: Vec<String>,
    /// Whether the picture can have a transparent background.
    #[serde(default)]
    pub transparent: bool,
    /// Whether a better quality can be asked for.
    #[serde(default)]
    pub premium: bool,
    /// The largest seed.
    #[serde(default = "default_max_seed")]
    pub max_seed: u64,
    /// Further fields that are taken, by the client's names.
    #[serde(default)]
    pub takes: Vec<String>,
    /// The strength, in hundredths, of a picture like another where nobody says one and the model
    /// has to be told; 0 where it need not be.
    #[serde(default)]
    pub default_strength: u32,
    /// Those of them that have to be there.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The pixels up to which the table's price holds, in the usual quality; 0 where it always does.
    #[serde(default)]
    pub priced_pixels: u64,
}

/// A form of bodies, which several models share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageBody {
    /// Stability's models and services: one flat object.
    Stability,
    /// Stable Diffusion XL: prompts with weights.
    Diffusion,
    /// Nova Canvas and Titan Image: a task and its parameters.
    Canvas,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageTask {
    /// A picture from words.
    Generate,
    /// A picture from words in given colors.
    ColorGuided,
    /// The one edit that the model is for.
    Edit,
    /// A picture like those that are given.
    Vary,
    /// What the mask marks is made anew.
    Inpaint,
    /// What is around the mask is made anew.
    Outpaint,
    /// The background is taken away.
    RemoveBackground,
}

/// Whether something has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// It has to be.
    #[default]
    Required,
    /// It may be.
    Optional,
    /// It is not taken.
    None,
}

/// What marks the part of a picture that is edited.
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

/// The relation of width to height, written `3:2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AspectRatio {
    /// Parts of the width.
    pub width: u32,
    /// Parts of the height.
    pub height: u32,
}

/// A rule for the sides of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// The shortest, in pixels.
    pub min: u32,
    /// The longest, in pixels.
    pub max: u32,
    /// What both are multiples of.
    pub step: u32,
    /// The most pixels.
    pub max_pixels: u64,
    /// How many times longer than the other one side may be.
    pub max_aspect_ratio: u32,
}

impl ImageCapabilities {
    /// Whether `task` can be done.
    pub fn supports(&self, task: ImageTask) -> bool {
        self.tasks.contains(&task)
    }

    /// Whether the further field `name` is taken.
    pub fn takes(&self, name: &str) -> bool {
        self.takes.iter().any(|supported| supported == name)
    }

    /// The aspect ratio that comes nearest to `size`.
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
    /// Whether `size` keeps the rule.
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
    /// Reads `1024x768`; no side is 0.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = sides(text, 'x')?;
        Some(Self { width, height })
    }

    /// How many pixels there are.
    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl AspectRatio {
    /// Reads `3:2`; no part is 0.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = sides(text, ':')?;
        Some(Self { width, height })
    }
}

fn sides(text: &str, between: char) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(between)?;
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
        let wrong = || de::Error::custom(format!("`{text}` is no size such as 1024x768"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for AspectRatio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || de::Error::custom(format!("`{text}` is no ratio such as 3:2"));
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
            .expect("a model of pictures")
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
