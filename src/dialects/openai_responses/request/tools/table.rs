//! The names of the tools. The model knows a tool of a namespace by one name; the client knows it by
//! its namespace and its name within it.

use std::collections::{HashMap, HashSet};

use super::super::types::{ResponsesRequest, ResponsesTool};
use super::built_in::BuiltIn;

/// The namespace that Codex means by a call without one.
const DEFAULT_NAMESPACE: &str = "functions";

/// The form of a tool call in the client's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallForm {
    /// `function_call` or `custom_tool_call`.
    Named,
    /// `tool_search_call`, whose search the client runs.
    ToolSearch,
    /// `local_shell_call`
    LocalShell,
    /// `shell_call`
    Shell,
    /// `apply_patch_call`
    ApplyPatch,
}

/// A tool whose name for the model is not its name for the client, or whose call has a form of its
/// own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialTool {
    /// The namespace; `None` if the tool is in none.
    pub namespace: Option<String>,
    /// The name, within the namespace.
    pub name: String,
    /// The form of its calls.
    pub form: CallForm,
}

/// The names of the tools of a request. It depends on the tools only, so that a tool has the same
/// name in each request of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolTable {
    /// The tools outside of namespaces.
    plain: HashSet<String>,
    /// By the name for the model.
    special: HashMap<String, SpecialTool>,
    /// The name for the model of each tool of a namespace.
    model_names: HashMap<(String, String), String>,
}

impl ToolTable {
    /// The tools of `request`.
    pub fn of(request: &ResponsesRequest) -> Self {
        let declared = request.tools.iter().flatten();
        let items = request.items().unwrap_or_default();
        let added = items.iter().flat_map(|item| item.tools.iter().flatten());
        let tools: Vec<&ResponsesTool> = declared.chain(added).map(AsRef::as_ref).collect();
        let mut table = Self::default();
        for tool in &tools {
            match BuiltIn::of(tool) {
                Some(built_in) => table.add_built_in(built_in),
                None if tool.kind.as_deref() == Some("namespace") => {}
                None => table.plain.extend(tool.name.clone()),
            }
        }
        // The other names are known now, so that these do not take one of them.
        for tool in &tools {
            let Some(namespace) = tool.name.as_deref() else {
                continue;
            };
            for tool in tool.tools.iter().flatten() {
                if let Some(name) = tool.name.as_deref() {
                    table.add_namespaced(namespace, name);
                }
            }
        }
        table
    }

    /// The name for the model of the client's tool.
    pub(in super::super) fn model_name(&self, namespace: Option<&str>, name: &str) -> String {
        let namespace = match namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => namespace,
            None if self.is_in_default_namespace(name) => DEFAULT_NAMESPACE,
            None => return name.to_owned(),
        };
        let key = (namespace.to_owned(), name.to_owned());
        match self.model_names.get(&key) {
            Some(model_name) => model_name.clone(),
            None => format!("{namespace}__{name}"),
        }
    }

    /// The client's tool whose name for the model is `name`; `None` if the names are the same.
    pub fn special(&self, name: &str) -> Option<&SpecialTool> {
        self.special.get(name)
    }

    fn is_in_default_namespace(&self, name: &str) -> bool {
        let key = (DEFAULT_NAMESPACE.to_owned(), name.to_owned());
        !self.plain.contains(name) && self.model_names.contains_key(&key)
    }

    fn add_built_in(&mut self, built_in: BuiltIn) {
        let tool = SpecialTool {
            namespace: None,
            name: built_in.name().to_owned(),
            form: built_in.form(),
        };
        self.special.insert(tool.name.clone(), tool);
    }

    fn add_namespaced(&mut self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        if self.model_names.contains_key(&key) {
            return;
        }
        // Characters that Bedrock does not accept give the second name a digest.
        let names = [
            format!("{namespace}__{name}"),
            format!("{namespace}.{name}"),
            format!("{namespace}/{name}"),
        ];
        let is_free =
            |name: &&String| !self.plain.contains(*name) && !self.special.contains_key(*name);
        let Some(model_name) = names.iter().find(is_free) else {
            return;
        };
        let tool = SpecialTool {
            namespace: Some(key.0.clone()),
            name: key.1.clone(),
            form: CallForm::Named,
        };
        self.special.insert(model_name.clone(), tool);
        self.model_names.insert(key, model_name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> ToolTable {
        ToolTable::of(&serde_json::from_str(json).expect("a request"))
    }

    #[test]
    fn a_tool_of_a_namespace_is_mapped_back_to_its_local_name() {
        let table = table(
            r#"{"tools": [{"type": "namespace", "name": "exec", "tools": [
                {"type": "function", "name": "exec"}]}]}"#,
        );
        assert_eq!(table.model_name(Some("exec"), "exec"), "exec__exec");
        let special = table.special("exec__exec").expect("a tool");
        let local = (special.namespace.as_deref(), special.name.as_str());
        assert_eq!(local, (Some("exec"), "exec"));
        // A tool that is declared outside of a namespace never gets one.
        assert_eq!(table.special("exec"), None);
    }

    #[test]
    fn names_that_collide_differ_for_the_model() {
        let table = table(
            r#"{"tools": [{"type": "function", "name": "a__b"},
                {"type": "namespace", "name": "a", "tools": [{"type": "function", "name": "b"},
                    {"type": "function", "name": "b__c"}]},
                {"type": "namespace", "name": "a__b", "tools": [{"type": "function", "name": "c"}]}]}"#,
        );
        assert_eq!(table.model_name(None, "a__b"), "a__b");
        assert_eq!(table.model_name(Some("a"), "b"), "a.b");
        assert_eq!(table.model_name(Some("a"), "b__c"), "a__b__c");
        assert_eq!(table.model_name(Some("a__b"), "c"), "a__b.c");
    }

    #[test]
    fn a_call_without_a_namespace_may_be_in_the_default_one() {
        let table = table(
            r#"{"input": [{"type": "additional_tools", "role": "developer", "tools": [
                {"type": "namespace", "name": "functions", "tools": [
                    {"type": "custom", "name": "exec"}]}]}]}"#,
        );
        assert_eq!(table.model_name(None, "exec"), "functions__exec");
        assert_eq!(table.model_name(None, "other"), "other");
        assert_eq!(table.model_name(Some("gone"), "f"), "gone__f");
    }
}
