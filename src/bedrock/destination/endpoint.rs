//! Resolves the endpoints of Bedrock: the SDK's rules, with the overrides that the SDK supports.

use aws_sdk_bedrockruntime::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// The endpoints of Bedrock's services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bedrock) struct Endpoints {
    /// `bedrock-runtime`, which runs models.
    pub(in crate::bedrock) runtime: String,
    /// `bedrock`, the control plane, which lists them.
    pub(in crate::bedrock) control: String,
    /// `bedrock-mantle`, which serves OpenAI's API; `None` if it has no endpoint for the
    /// configuration.
    pub(in crate::bedrock) mantle: Option<String>,
}

/// Resolves the endpoints for `region`, with FIPS and dual stack as set in `config`.
///
/// `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, `AWS_ENDPOINT_URL_BEDROCK`,
/// `AWS_ENDPOINT_URL_BEDROCK_MANTLE`, `AWS_ENDPOINT_URL` and the corresponding profile settings
/// take precedence, as in every SDK.
pub(in crate::bedrock) async fn resolve(
    config: &SdkConfig,
    region: &str,
) -> Result<Endpoints, String> {
    let runtime = match overridden(config, "Bedrock Runtime") {
        Some(url) => url,
        None => resolve_by_rules(config, region).await?,
    };
    let control = match overridden(config, "Bedrock") {
        Some(url) => url,
        // Both services share one rule set (their models in botocore differ only in the name).
        None => resolve_by_rules(config, region)
            .await?
            .replacen("bedrock-runtime", "bedrock", 1),
    };
    let mantle = overridden(config, "Bedrock Mantle").or_else(|| mantle(config, region));
    Ok(Endpoints {
        runtime,
        control,
        mantle,
    })
}

/// The endpoint of `bedrock-mantle`, which is in no SDK's rules; it follows openai-python 3.52
/// (`openai.providers.bedrock`). One host serves IPv4 and IPv6; there is none for FIPS.
fn mantle(config: &SdkConfig, region: &str) -> Option<String> {
    let fips = config.use_fips().unwrap_or(false);
    (!fips).then(|| format!("https://bedrock-mantle.{region}.api.aws"))
}

fn overridden(config: &SdkConfig, service_id: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service_id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let of_service = config
        .service_config()
        .and_then(|settings| settings.load_config(key));
    of_service
        .or_else(|| config.endpoint_url().map(str::to_owned))
        .map(|url| url.trim_end_matches('/').to_owned())
}

async fn resolve_by_rules(config: &SdkConfig, region: &str) -> Result<String, String> {
    let params = Params::builder()
        .region(region)
        .use_fips(config.use_fips().unwrap_or(false))
        .use_dual_stack(config.use_dual_stack().unwrap_or(false))
        .build()
        .map_err(|error| error.to_string())?;
    let endpoint = ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &params)
        .await
        .map_err(|error| error.to_string())?;
    Ok(endpoint.url().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(fips: bool, dual_stack: bool) -> Endpoints {
        let config = SdkConfig::builder()
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .build();
        resolve(&config, "us-west-2").await.expect("endpoints")
    }

    #[tokio::test]
    async fn endpoint_rules_resolve_every_service() {
        let endpoints = resolved(false, false).await;
        assert_eq!(
            endpoints.runtime,
            "https://bedrock-runtime.us-west-2.amazonaws.com"
        );
        assert_eq!(endpoints.control, "https://bedrock.us-west-2.amazonaws.com");
        let mantle = endpoints.mantle.as_deref();
        assert_eq!(mantle, Some("https://bedrock-mantle.us-west-2.api.aws"));
    }

    #[tokio::test]
    async fn fips_and_dual_stack_apply_to_runtime_and_control_plane() {
        let endpoints = resolved(true, true).await;
        assert_eq!(
            endpoints.runtime,
            "https://bedrock-runtime-fips.us-west-2.api.aws"
        );
        assert_eq!(endpoints.control, "https://bedrock-fips.us-west-2.api.aws");
        assert_eq!(endpoints.mantle, None);
    }
}
