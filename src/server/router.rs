use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::{App, middleware};
use crate::api::{chat_completions, health, models, unknown};

/// Every route there is.
pub fn router(app: Arc<App>) -> Router {
    // For clients of OpenAI's API. SDKs put `/v1` before the paths; some clients are configured
    // with the bare address, others with `/api/v1`.
    let openai = Router::new()
        .route("/chat/completions", post(chat_completions::create))
        .route("/explain", post(chat_completions::explain))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::retrieve));

    // For load balancers and orchestrators; nobody has to have a key.
    let operations = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));

    let routes = Router::new()
        .merge(operations)
        .nest("/v1", openai.clone())
        .nest("/api/v1", openai.clone())
        .merge(openai)
        .fallback(unknown::route)
        .method_not_allowed_fallback(unknown::method)
        .with_state(app);
    middleware::layers(routes)
}
