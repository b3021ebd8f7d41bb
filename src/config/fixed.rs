use super::Config;

impl Config {
    /// Replaces settings that apply at the start only by those of `running`. Returns the names of
    /// those that differed.
    pub fn keep_fixed(&mut self, running: &Self) -> Vec<&'static str> {
        let mut differing = Vec::new();
        macro_rules! fixed {
            ($($name:literal: $($field:ident).+,)*) => {$(
                if self.$($field).+ != running.$($field).+ {
                    self.$($field).+ = running.$($field).+.clone();
                    differing.push($name);
                }
            )*};
        }
        fixed! {
            "server.listen": server.listen,
            "admin": admin,
            "server.max_connections": server.max_connections,
            "server.max_body_memory": server.max_body_memory,
            "chat.reasoning_cache_size": chat.reasoning_cache_size,
            "chat.reasoning_cache_ttl": chat.reasoning_cache_ttl,
            "responses.store": responses.store,
            "responses.memory_size": responses.memory_size,
            "responses.memory_ttl": responses.memory_ttl,
            "aws.region": bedrock.region,
            "aws.profile": bedrock.profile,
            "aws.mantle_endpoint": bedrock.mantle_endpoint,
            "timeouts.connect": bedrock.timeouts.connect,
            "s3": s3,
            "store": store,
            "usage": usage,
            "batches": batches,
            "budgets.time_zone": budgets.time_zone,
            "log.format": log.format,
        }
        // Set by the demo and by tests, not by the file.
        self.bedrock.simulated = running.bedrock.simulated.clone();
        differing
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn settings_that_apply_at_the_start_stay_and_are_named() {
        let running = Config::default();
        let mut new = Config::default();
        new.server.listen = ([127, 0, 0, 1], 9000).into();
        new.bedrock.region = Some("eu-west-1".to_owned());
        new.bedrock.timeouts.connect = Duration::from_secs(1);
        new.bedrock.retry.max_attempts = 1;
        new.chat.max_n = 2;
        let differing = new.keep_fixed(&running);
        assert_eq!(
            differing,
            ["server.listen", "aws.region", "timeouts.connect"]
        );
        let mut expected = running;
        expected.bedrock.retry.max_attempts = 1;
        expected.chat.max_n = 2;
        assert_eq!(new, expected);
    }
}
