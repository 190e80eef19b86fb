//! The layers of a configuration, laid over each other from the weakest to the strongest.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use super::key::KeyPath;
use super::origin::Origin;
use super::problem::{Fault, Problem, closest, suggestion};
use super::schema::{self, BUILT_IN, KEYS};
use super::value::Value;
use super::{Discovered, Sources};

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// Where a provider, model or route was declared.
struct Declared {
    origin: Origin,
    order: usize,
}

/// Everything the layers said, the strongest word for each key.
#[derive(Default)]
pub(super) struct Layers {
    entries: BTreeMap<KeyPath, Entry>,
    declared: BTreeMap<KeyPath, Declared>,
    /// Keys whose word could not be understood: that they are missing is no further problem.
    doubted: BTreeSet<KeyPath>,
    problems: Vec<Problem>,
    count: usize,
}

impl Layers {
    /// The layer everything else lies upon.
    pub(super) fn defaults(&mut self, platform_data_dir: Option<&str>) {
        let fixed = KEYS.iter().filter_map(|key| Some((key.path, key.default?)));
        for (path, text) in fixed.chain(BUILT_IN.iter().copied()) {
            self.put_text(KeyPath::fixed(path), text, Origin::Default);
        }
        if let Some(directory) = platform_data_dir {
            self.put_text(KeyPath::fixed("server.data_dir"), directory, Origin::Default);
        }
    }

    /// What was found at start.
    pub(super) fn discovered(&mut self, found: &[Discovered]) {
        for Discovered { key, value, how } in found {
            let origin = Origin::Discovered { how: how.clone() };
            match schema::find(key) {
                Some(known) => self.put(key.clone(), known.kind.settle(value.clone()), origin),
                None => self.unknown(key, origin),
            }
        }
    }

    /// The environment, for keys without a name of the user's choice in them. An empty variable says nothing.
    pub(super) fn environment(&mut self, lookup: &dyn Fn(&str) -> Option<String>) {
        for key in KEYS.iter().filter(|key| !key.path.contains('*')) {
            let variable = variable_of(key.path);
            if let Some(text) = lookup(&variable).filter(|text| !text.is_empty()) {
                self.put_text(KeyPath::fixed(key.path), &text, Origin::Environment { variable });
            }
        }
    }

    /// The command line.
    pub(super) fn flags(&mut self, sources: &Sources<'_>) {
        for (path, text, flag) in sources.flags {
            self.put_text(KeyPath::fixed(path), text, Origin::Flag { flag });
        }
    }

    /// One value of the layer being laid, or what is wrong with it.
    pub(super) fn put(&mut self, key: KeyPath, value: Result<Value, Fault>, origin: Origin) {
        self.declare(&key, &origin);
        match value {
            Ok(value) => {
                self.entries.insert(key, Entry { value, origin });
            }
            Err(fault) => self.refuse(key, fault, origin),
        }
    }

    /// A value that follows from others.
    pub(super) fn derive(&mut self, key: KeyPath, value: Value) {
        self.entries.insert(key, Entry { value, origin: Origin::Default });
    }

    /// Notes what is wrong with a key.
    pub(super) fn refuse(&mut self, key: KeyPath, fault: Fault, origin: Origin) {
        self.problems.push(Problem {
            origin,
            message: format!("`{key}` {}", fault.message),
            hint: fault.hint,
        });
        self.doubted.insert(key);
    }

    /// Notes a key that does not exist.
    pub(super) fn unknown(&mut self, key: &KeyPath, origin: Origin) {
        let segments = key.segments();
        let (last, above) =
            segments.split_last().map_or(("", segments), |(last, above)| (last.as_str(), above));
        let table = KeyPath::new(above.iter().map(String::as_str));
        let known = schema::children(&table);
        let hint = suggestion(last, known.iter().copied());
        if let Some(meant) = closest(last, &known) {
            self.doubted.insert(table.child(meant));
        }
        self.problems.push(Problem { origin, message: format!("unknown key `{key}`"), hint });
    }

    /// Notes that the provider, model or route `key` lies in was spoken of. The strongest layer to do so settles
    /// its place in the order of declaration.
    pub(super) fn declare(&mut self, key: &KeyPath, origin: &Origin) {
        let name = KeyPath::new(key.segments().iter().take(2).map(String::as_str));
        if !schema::is_named(&name) {
            return;
        }
        let same_layer = |known: &Declared| discriminant(&known.origin) == discriminant(origin);
        if !self.declared.get(&name).is_some_and(same_layer) {
            self.count += 1;
            self.declared.insert(name, Declared { origin: origin.clone(), order: self.count });
        }
    }

    /// The value at `key`.
    pub(super) fn get(&self, key: &KeyPath) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The text at `key`, and where it came from.
    pub(super) fn text(&self, key: &KeyPath) -> Option<(&str, &Origin)> {
        self.get(key).and_then(|entry| Some((entry.value.text()?, &entry.origin)))
    }

    /// The keys right below `table` that hold a value, with it.
    pub(super) fn below(&self, table: &KeyPath) -> Vec<(&str, &Entry)> {
        let depth = table.segments().len();
        let inside = self.entries.iter().filter(|(key, _)| {
            key.segments().len() == depth + 1 && key.segments().starts_with(table.segments())
        });
        inside.filter_map(|(key, entry)| Some((key.segments().last()?.as_str(), entry))).collect()
    }

    /// The names of the tables right below `table`, and where each was first spoken of.
    pub(super) fn tables_below(&self, table: &KeyPath) -> Vec<(&str, &Origin)> {
        let depth = table.segments().len();
        let inside = self.entries.iter().filter(|(key, _)| {
            key.segments().len() > depth + 1 && key.segments().starts_with(table.segments())
        });
        let mut named: Vec<(&str, &Origin)> = Vec::new();
        for (key, entry) in inside {
            let Some(name) = key.segments().get(depth) else { continue };
            if named.last().is_none_or(|(last, _)| last != name) {
                named.push((name, &entry.origin));
            }
        }
        named
    }

    /// The names declared in `table`, in the order of declaration, and where.
    pub(super) fn named(&self, table: &str) -> Vec<(&str, &Origin)> {
        let mut named: Vec<_> = self
            .declared
            .iter()
            .filter_map(|(key, declared)| match key.segments() {
                [first, name] if first == table => Some((declared.order, name.as_str(), &declared.origin)),
                _ => None,
            })
            .collect();
        named.sort_by_key(|(order, ..)| *order);
        named.into_iter().map(|(_, name, origin)| (name, origin)).collect()
    }

    /// Whether something was said about `key` that could not be understood.
    pub(super) fn doubts(&self, key: &KeyPath) -> bool {
        let segments = key.segments();
        (1..=segments.len()).any(|length| {
            self.doubted.contains(&KeyPath::new(segments.iter().take(length).map(String::as_str)))
        })
    }

    /// Notes that what was said about `key` cannot be understood, where the problem is told otherwise.
    pub(super) fn doubt(&mut self, key: KeyPath) {
        self.doubted.insert(key);
    }

    /// Adds a problem told in its own words.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Everything said, and everything wrong with it.
    pub(super) fn into_parts(self) -> (BTreeMap<KeyPath, Entry>, Vec<Problem>) {
        (self.entries, self.problems)
    }

    fn put_text(&mut self, key: KeyPath, text: &str, origin: Origin) {
        match schema::find(&key) {
            Some(known) => self.put(key, known.kind.read_text(text), origin),
            None => self.unknown(&key, origin),
        }
    }
}

/// The environment variable that stands for a key.
pub(super) fn variable_of(path: &str) -> String {
    format!("WAYMARK_{}", path.replace('.', "_").to_uppercase())
}
