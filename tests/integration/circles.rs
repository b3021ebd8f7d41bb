//! Circles of dependencies, found in the `use` lines and paths of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::layers::sources;

/// The path of a module, such as `["s3", "store"]`; empty for the crate.
type Module = Vec<String>;
type Texts = BTreeMap<Module, String>;
/// What each name that a module re-exports leads to.
type Exports = BTreeMap<(Module, String), Module>;

#[test]
fn no_circle_is_left_between_the_simulators_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("simulator/src");
    let circles = circles(&dependencies(&root));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn no_circle_is_left_between_folders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in dependencies(&root) {
        let targets = to.iter().filter_map(|module| module.first());
        if let Some(from) = from.first() {
            let folder = folders.entry(from.clone()).or_default();
            folder.extend(targets.filter(|to| *to != from).cloned());
        }
    }
    let circles = circles(&folders);
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn paths_are_found_in_trees_and_expressions() {
    let text = "use crate::a::{self, b::{C, D as E}};\nfn f() -> crate::g::H { i::j() }";
    let found: Vec<String> = paths(text).iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::a::self",
        "crate::a::b::C",
        "crate::a::b::D",
        "crate::g::H",
        "i::j",
    ];
    assert_eq!(found, expected);
}

/// The modules of each circle: those that depend on each other, directly or not.
fn circles<N: Ord + Clone>(dependencies: &BTreeMap<N, BTreeSet<N>>) -> BTreeSet<BTreeSet<N>> {
    let reachable: BTreeMap<&N, BTreeSet<&N>> = dependencies
        .keys()
        .map(|start| {
            let mut reached = BTreeSet::new();
            let mut open = vec![start];
            while let Some(node) = open.pop() {
                let next = dependencies.get(node).into_iter().flatten();
                open.extend(next.filter(|next| reached.insert(*next)));
            }
            (start, reached)
        })
        .collect();
    let reaches = |from: &N, to: &N| reachable.get(from).is_some_and(|all| all.contains(to));
    let nodes = dependencies.keys().filter(|node| reaches(node, node));
    nodes
        .map(|node| {
            let circle = dependencies.keys();
            let circle = circle.filter(|other| reaches(node, other) && reaches(other, node));
            circle.cloned().collect()
        })
        .collect()
}

/// The modules that each module names, without its tests.
fn dependencies(root: &Path) -> BTreeMap<Module, BTreeSet<Module>> {
    let texts: Texts = sources(root)
        .iter()
        .filter(|file| !file.ends_with("tests.rs"))
        .map(|file| (module(root, file), code(file)))
        .collect();
    let mut exports = Exports::new();
    for (module, text) in &texts {
        for path in exported(text) {
            if let (Some(name), Some(target)) = (path.last(), absolute(&texts, module, &path)) {
                exports.insert((module.clone(), (*name).to_owned()), target);
            }
        }
    }
    let named = |module: &Module, text: &str| {
        let exported = exported(text);
        let targets = paths(text).into_iter().filter_map(|path| {
            let target = defined(&texts, &exports, absolute(&texts, module, &path)?);
            // A module may hand on what its own files define.
            let is_own = exported.contains(&path) && target.starts_with(module);
            (!is_own && target != *module).then_some(target)
        });
        targets.collect()
    };
    let modules = texts.iter();
    modules
        .map(|(module, text)| (module.clone(), named(module, text)))
        .collect()
}

/// The module of a file.
fn module(root: &Path, file: &Path) -> Module {
    let name = file.strip_prefix(root).unwrap().with_extension("");
    let names = name.iter().map(|name| name.to_string_lossy().into_owned());
    let mut module: Module = names.collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

/// The text of a file without comments, visibilities and tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = text.unwrap_or_default().lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace("(in crate::", "(in ")
}

/// The paths that a text re-exports.
fn exported(text: &str) -> Vec<Vec<&str>> {
    let trees = text.split(';').filter_map(|statement| {
        let (before, tree) = statement.rsplit_once(" use ")?;
        let is_export = before.lines().last()?.starts_with("pub");
        is_export.then_some(tree)
    });
    trees.flat_map(paths).collect()
}

/// `path`, as written in `module`, from the crate's root; `None` for other crates.
fn absolute(texts: &Texts, module: &Module, path: &[&str]) -> Option<Module> {
    let mut base = module.clone();
    let mut names = path
        .iter()
        .copied()
        .filter(|name| *name != "self")
        .peekable();
    if names.next_if_eq(&"crate").is_some() {
        base.clear();
    } else if path.first() != Some(&"self") && names.peek() != Some(&"super") {
        base.push((*path.first()?).to_owned());
        texts.get(&base)?;
        names.next();
    }
    while names.next_if_eq(&"super").is_some() {
        base.pop()?;
    }
    base.extend(names.map(str::to_owned));
    Some(base)
}

/// The module that defines what `path` leads to.
fn defined(texts: &Texts, exports: &Exports, path: Module) -> Module {
    let known = |length: &usize| texts.contains_key(path.get(..*length).unwrap_or_default());
    let length = (0..=path.len()).rev().find(known).unwrap_or_default();
    let (module, rest) = path.split_at(length);
    let Some((name, rest)) = rest.split_first() else {
        return module.to_vec();
    };
    match exports.get(&(module.to_vec(), name.clone())) {
        Some(target) if *target != path => {
            defined(texts, exports, [target.as_slice(), rest].concat())
        }
        _ => module.to_vec(),
    }
}

/// The paths of two or more names, those of trees one by one.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = tree(rest, &mut Vec::new(), &mut found);
    }
    found
}

/// Reads one path or tree, and returns the text after it.
fn tree<'t>(text: &'t str, prefix: &mut Vec<&'t str>, found: &mut Vec<Vec<&'t str>>) -> &'t str {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let length = prefix.len();
    let mut rest = text;
    loop {
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            break;
        }
        prefix.push(name);
        rest = after;
        match rest.strip_prefix("::") {
            Some(after) => rest = after,
            None => break,
        }
    }
    match rest.strip_prefix('{').filter(|_| prefix.len() > length) {
        Some(mut inner) => {
            while !inner.is_empty() && !inner.starts_with('}') {
                inner = inner.trim_start_matches([',', ' ', '\n']);
                inner = tree(inner, prefix, found);
                if let Some(renamed) = inner.strip_prefix(" as ") {
                    inner = renamed.trim_start_matches(is_name);
                }
            }
            rest = inner.get(1..).unwrap_or_default();
        }
        None if prefix.len() > 1 => found.push(prefix.clone()),
        None => {}
    }
    prefix.truncate(length);
    match rest.len() == text.len() {
        true => rest
            .get(rest.chars().next().map_or(0, char::len_utf8)..)
            .unwrap_or_default(),
        false => rest,
    }
}
