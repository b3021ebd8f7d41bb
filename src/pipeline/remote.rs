//! What a request points to by addresses on the web, fetched before it is translated.

use crate::fault::Fault;
use crate::fetch::{FetchErrorKind, Fetcher};
use crate::openai::chat::{Fetched, FetchedMedia, RemoteAddress};

/// Fetches what lies at the addresses of a request.
pub(super) async fn fetch(fetcher: &Fetcher, places: Vec<RemoteAddress>) -> Result<Fetched, Fault> {
    let addresses: Vec<String> = places.iter().map(|place| place.address.clone()).collect();
    let files = fetcher.fetch_all(&addresses).await.map_err(|error| {
        let path = places.get(error.position).map(|place| place.path.clone());
        let code = match error.kind {
            FetchErrorKind::Disabled
            | FetchErrorKind::Malformed
            | FetchErrorKind::NotAllowed
            | FetchErrorKind::TooMany => "invalid_image_url",
            _ => "failed_to_download_image",
        };
        Fault::invalid(path.unwrap_or_default(), error.message).code(code)
    })?;
    let files = files.into_iter().map(|file| FetchedMedia {
        bytes: file.bytes,
        content_type: file.content_type,
    });
    Ok(addresses.into_iter().zip(files).collect())
}
