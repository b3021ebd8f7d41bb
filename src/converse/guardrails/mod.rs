//! Requests and responses of Bedrock's guardrail APIs outside of Converse (botocore 1.44.5,
//! bedrock-runtime 2023-09-30).

pub mod applied;
pub mod checks;
