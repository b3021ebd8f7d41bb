//! Query parameters of GET requests.

use crate::error::ApiError;

/// Rejects variants other than `video`, which Bedrock does not generate.
pub fn check_variant(mut query: impl Iterator<Item = (String, String)>) -> Result<(), ApiError> {
    match query.find(|(name, _)| name == "variant") {
        Some((_, variant)) if variant != "video" => {
            let message = format!("`variant` is `{variant}`; only `video` is available");
            Err(ApiError::unsupported_value("variant", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_video_variant_is_available() {
        let check = |variant: &str| {
            let pairs = [("variant".to_owned(), variant.to_owned())];
            check_variant(pairs.into_iter())
                .map_err(|error| error.path().map(|path| path.into_owned()))
        };
        assert_eq!(check("video"), Ok(()));
        assert_eq!(check("thumbnail"), Err(Some("variant".to_owned())));
        assert_eq!(check_variant(std::iter::empty()), Ok(()));
    }
}
