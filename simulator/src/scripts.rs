//! The queue of scripts.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::operation::Target;
use crate::script::Script;

/// Scripts in queue order, each with the number of calls that remain.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<VecDeque<ScriptEntry>>);

#[derive(Debug)]
struct ScriptEntry {
    script: Script,
    /// `None` for no limit.
    remaining: Option<u32>,
}

impl Scripts {
    pub(crate) fn push(&self, script: Script) {
        let remaining = match script.times {
            None => Some(1),
            Some(0) => None,
            times => times,
        };
        self.0.lock().push_back(ScriptEntry { script, remaining });
    }

    /// The first script that matches this call; removed if this was its last call.
    pub(crate) fn take(&self, target: &Target) -> Option<Script> {
        let mut queue = self.0.lock();
        let position = queue
            .iter()
            .position(|queued| queued.script.matches(target))?;
        let queued = queue.get_mut(position)?;
        match &mut queued.remaining {
            None => Some(queued.script.clone()),
            Some(remaining) if *remaining > 1 => {
                *remaining -= 1;
                Some(queued.script.clone())
            }
            Some(_) => queue.remove(position).map(|queued| queued.script),
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Script {
    fn matches(&self, target: &Target) -> bool {
        let model = self.model.is_none() || self.model == target.model;
        let operation = match self.operation {
            Some(operation) => operation == target.operation,
            // Clients list models in the background at any time; such a call must not consume a
            // script meant for a model call.
            None => target.model.is_some(),
        };
        model && operation
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Operation;

    fn call(model: &str) -> Target {
        Target {
            operation: Operation::Converse,
            model: Some(model.to_owned()),
            resource: None,
        }
    }

    #[test]
    fn the_first_matching_script_applies_the_configured_number_of_times() {
        let scripts = Scripts::default();
        scripts.push(Script::text("for b").for_model("b"));
        scripts.push(Script::text("twice").times(2));
        scripts.push(Script::text("other").for_operation(Operation::InvokeModel));

        assert_eq!(
            scripts.take(&call("a")).unwrap(),
            Script::text("twice").times(2)
        );
        assert_eq!(
            scripts.take(&call("b")).unwrap(),
            Script::text("for b").for_model("b")
        );
        assert_eq!(
            scripts.take(&call("b")).unwrap(),
            Script::text("twice").times(2)
        );
        assert_eq!(scripts.take(&call("b")), None);
        assert_eq!(scripts.len(), 1);
    }

    #[test]
    fn times_zero_repeats_forever() {
        let scripts = Scripts::default();
        scripts.push(Script::text("again").times(0));
        for _ in 0..5 {
            assert!(scripts.take(&call("a")).is_some());
        }
    }
}
