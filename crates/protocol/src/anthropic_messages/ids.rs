//! Ids that Anthropic's dialect takes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::crossing::hash;

/// A call's id as the dialect takes it (`^[a-zA-Z0-9_-]+$`): itself, or one made of it, always the same.
pub(super) fn call(id: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match !id.is_empty() && id.bytes().all(plain) {
        true => Cow::Borrowed(id),
        false => Cow::Owned(format!("toolu_{:016x}", hash(id.as_bytes()))),
    }
}

/// An answer's id where the provider gave none, made of what the answer is about.
pub(super) fn message(seed: &[u8], created: i64) -> String {
    format!("msg_{created:x}{:016x}", hash(seed))
}

/// Names the calls of a conversation, each apart: some servers give every turn's first call the same id.
#[derive(Default)]
pub(super) struct Calls<'a> {
    taken: HashSet<String>,
    current: HashMap<&'a str, String>,
}

impl<'a> Calls<'a> {
    /// The id of a new call.
    pub(super) fn open(&mut self, id: &'a str) -> String {
        let base = call(id);
        let mut name = base.to_string();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{base}_{count}");
        }
        self.current.insert(id, name.clone());
        name
    }

    /// The id of the call that a result answers: the latest by that id, which then has its answer.
    pub(super) fn answer(&mut self, id: &str) -> Option<String> {
        self.current.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_where_they_can_be() {
        assert_eq!(call("toolu_01-A"), "toolu_01-A");
        assert_eq!(call("functions.get:0"), call("functions.get:0"));
        assert_ne!(call("functions.get:0"), call("functions.get:1"));
        assert!(call("").starts_with("toolu_"));
    }

    #[test]
    fn an_id_used_again_is_another_call() {
        let mut calls = Calls::default();
        assert_eq!(calls.open("call_0"), "call_0");
        assert_eq!(calls.answer("call_0").as_deref(), Some("call_0"));
        assert_eq!(calls.answer("call_0"), None);
        assert_eq!(calls.open("call_0"), "call_0_2");
        assert_eq!(calls.answer("call_0").as_deref(), Some("call_0_2"));
    }
}
