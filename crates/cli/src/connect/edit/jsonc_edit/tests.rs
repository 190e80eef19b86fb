use proptest::prelude::*;

use super::super::{Applied, Edit, Format, apply, take_back};
use super::*;

fn key(path: &[&str], value: &str) -> Change {
    Change { path: path.iter().map(|key| Step::Key((*key).to_owned())).collect(), value: value.to_owned() }
}

fn claude() -> Edit {
    Edit::Json(vec![
        key(&["env", "ANTHROPIC_BASE_URL"], "\"http://127.0.0.1:4114\""),
        key(&["env", "ANTHROPIC_AUTH_TOKEN"], "\"waymark\""),
    ])
}

fn item(keys: &[&str], value: &str) -> Change {
    let mut path = vec![Step::Item { field: "name".into(), value: "Waymark".into() }];
    path.extend(keys.iter().map(|key| Step::Key((*key).to_owned())));
    Change { path, value: value.to_owned() }
}

/// Applies, checks that twice is once, takes back; returns the text in between.
fn there_and_back(text: &str, edit: &Edit) -> String {
    let Applied { text: applied, traces } = apply(text, edit).unwrap();
    assert!(scan(&applied).unwrap().is_some(), "{applied}");
    assert_eq!(apply(&applied, edit).unwrap().traces, [], "twice is once:\n{applied}");
    let taken = take_back(&applied, Format::Json, &traces).unwrap();
    assert_eq!(taken.text, text, "by way of\n{applied}");
    assert!(taken.kept.is_empty());
    applied
}

#[test]
fn members_are_added_as_the_file_is_written() {
    let two = "{\n  \"model\": \"opus\",\n  \"env\": {\n    \"FOO\": \"ü\"\n  }\n}\n";
    assert_eq!(
        there_and_back(two, &claude()),
        "{\n  \"model\": \"opus\",\n  \"env\": {\n    \"FOO\": \"ü\",\n    \"ANTHROPIC_BASE_URL\": \
         \"http://127.0.0.1:4114\",\n    \"ANTHROPIC_AUTH_TOKEN\": \"waymark\"\n  }\n}\n"
    );
    let tabs =
        "{\r\n\t// mine\r\n\t\"a\": 1, // one\r\n\t/* two */ \"b\": [1, 2,], // last\r\n\t// end\r\n}\r\n";
    assert_eq!(
        there_and_back(tabs, &claude()),
        "{\r\n\t// mine\r\n\t\"a\": 1, // one\r\n\t/* two */ \"b\": [1, 2,], // last\r\n\t// end\r\n\t\"env\": \
         {\r\n\t\t\"ANTHROPIC_BASE_URL\": \"http://127.0.0.1:4114\",\r\n\t\t\"ANTHROPIC_AUTH_TOKEN\": \
         \"waymark\"\r\n\t},\r\n}\r\n"
    );
    let dense = "{\"a\":{},\"env\":{\"X\":\"1\"}}";
    assert_eq!(
        there_and_back(dense, &claude()),
        "{\"a\":{},\"env\":{\"X\":\"1\",\"ANTHROPIC_BASE_URL\":\"http://127.0.0.1:4114\",\"ANTHROPIC_AUTH_TOKEN\":\"waymark\"}}"
    );
    for text in [
        "{}",
        "{}\n",
        "// head\n{}\n",
        "{\"a\": 1}",
        "{ \"a\": 1 }",
        "{\"a\": 1 // c\n}",
        "{\"a\": 1, /* c */}",
        "\u{feff}{\n    \"a\": \"//\"\n}",
        "{\"env\": {}}",
        "{\n  \"env\": {}\n}",
        "{\n  \"env\": { // none\n  }\n}",
        "{\n  \"a\": 1\n\n\n}",
    ] {
        there_and_back(text, &claude());
    }
}

#[test]
fn a_value_that_was_there_comes_back_as_it_was_written() {
    let text =
        "{\n  \"env\": {\n    \"ANTHROPIC_BASE_URL\" : \"https:\\/\\/x.example\" /* old */,\n  },\n}\n";
    let applied = there_and_back(text, &claude());
    assert!(applied.contains("\"ANTHROPIC_BASE_URL\" : \"http://127.0.0.1:4114\" /* old */,"), "{applied}");
}

#[test]
fn an_empty_file_becomes_one_with_our_keys() {
    for text in ["", "\n", "// only a comment"] {
        let applied = apply(text, &claude()).unwrap().text;
        assert!(applied.starts_with(text));
        assert_eq!(string_at(&applied, &claude_path()), Some("http://127.0.0.1:4114".into()));
    }
}

fn claude_path() -> Vec<Step> {
    key(&["env", "ANTHROPIC_BASE_URL"], "0").path
}

#[test]
fn items_are_told_apart_by_a_member() {
    let edit = Edit::Json(vec![
        item(&["vendor"], "\"customendpoint\""),
        item(&["settings", "deep"], "[{\"id\":\"auto\",\"n\":1}]"),
    ]);
    for text in [
        "[]",
        "[\n    {\n        \"name\": \"Other\",\n        \"models\": []\n    }\n]\n",
        "[{\"name\":\"Other\"}]",
    ] {
        there_and_back(text, &edit);
    }
    let applied = apply("[\n    {\n        \"name\": \"Other\"\n    }\n]\n", &edit).unwrap().text;
    assert!(
        applied.ends_with(
            "    },\n    {\n        \"name\": \"Waymark\",\n        \"vendor\": \"customendpoint\",\n        \
             \"settings\": {\n            \"deep\": [\n                {\n                    \"id\": \
             \"auto\",\n                    \"n\": 1\n                }\n            ]\n        }\n    }\n]\n"
        ),
        "{applied}"
    );
    let moved = Edit::Json(vec![item(&["vendor"], "\"x\"")]);
    assert_eq!(apply(&applied, &moved).unwrap().text.matches("Waymark").count(), 1);
}

#[test]
fn foreign_edits_stay() {
    let text = "{\n  \"a\": 1\n}\n";
    let Applied { text: applied, traces } = apply(text, &claude()).unwrap();
    let edited = applied
        .replace("\"waymark\"", "\"their own\"")
        .replace("\"a\": 1", "\"a\": 2")
        .replace("  \"env\"", "  // theirs\n  \"env\"")
        .replace("\n  }\n}", "\n  },\n  \"z\": true\n}");
    let taken = take_back(&edited, Format::Json, &traces).unwrap();
    assert_eq!(taken.kept, ["env.ANTHROPIC_AUTH_TOKEN"]);
    assert_eq!(
        taken.text,
        "{\n  \"a\": 2,\n  // theirs\n  \"env\": {\n    \"ANTHROPIC_AUTH_TOKEN\": \"their own\"\n  },\n  \"z\": true\n}\n"
    );
    let added = applied.replace("\"env\": {", "\"env\": {\n    \"THEIRS\": \"1\",");
    assert_eq!(
        take_back(&added, Format::Json, &traces).unwrap().text,
        "{\n  \"a\": 1,\n  \"env\": {\n    \"THEIRS\": \"1\"\n  }\n}\n"
    );
    let gone = take_back("{\"b\": 1}", Format::Json, &traces).unwrap();
    assert_eq!((gone.text.as_str(), gone.kept.len()), ("{\"b\": 1}", 0));
}

#[test]
fn other_shapes_are_refused() {
    assert_eq!(
        apply("{\"env\": \"x\"}", &claude()),
        Err(EditError::Shape { key: "env".into(), expected: "object" })
    );
    assert!(matches!(apply("[1]", &claude()), Err(EditError::Shape { .. })));
    assert!(matches!(apply("{\n\"a\" 1}", &claude()), Err(EditError::Syntax { line: 2, .. })));
}

/// A value as text, in every way of writing it that the scanner takes.
fn value() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("null".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        "[a-zü\"\\\\/{}:,\\[\\] ]{0,6}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    plain.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..4), gap(), any::<bool>())
                .prop_map(|(items, gap, trailing)| container("[", "]", &items, &gap, trailing)),
            object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let members = prop::collection::btree_map("[a-e]|env", inner, 0..4);
    (members, gap(), any::<bool>()).prop_map(|(members, gap, trailing)| {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{}:{}{value}", serde_json::Value::from(key.as_str()), gap.1))
            .collect();
        container("{", "}", &members, &gap, trailing)
    })
}

/// What stands before an item and around a colon.
fn gap() -> impl Strategy<Value = (String, String)> {
    let before = prop_oneof![
        Just(String::new()),
        Just(" ".to_owned()),
        Just("\n  ".to_owned()),
        Just("\r\n\t\t".to_owned()),
        Just("\n  // n, { \"ü\n  ".to_owned()),
        Just(" /* b, } */ ".to_owned()),
        Just(" // e\n".to_owned()),
    ];
    (before, prop_oneof![Just(String::new()), Just(" ".to_owned()), Just(" /* : */ ".to_owned())])
}

fn container(open: &str, close: &str, items: &[String], gap: &(String, String), trailing: bool) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    let comma = if trailing { "," } else { "" };
    format!("{open}{0}{1}{comma}{0}{close}", gap.0, items.join(&format!(",{}", gap.0)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_the_file_our_keys_come_and_go(text in object(value())) {
        let root = scan(&text).unwrap().unwrap();
        let before = compact(&text).unwrap();
        let Ok(Applied { text: applied, traces }) = apply(&text, &claude()) else {
            // `env` is there and no object.
            prop_assert!(find(&root, &Step::Key("env".into())).is_some());
            return Ok(());
        };
        let mut wanted: serde_json::Value = serde_json::from_str(&before).unwrap();
        wanted["env"]["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:4114".into();
        wanted["env"]["ANTHROPIC_AUTH_TOKEN"] = "waymark".into();
        let found: serde_json::Value = serde_json::from_str(&compact(&applied).unwrap()).unwrap();
        prop_assert_eq!(found, wanted, "{}\n->\n{}", text, applied);
        let taken = take_back(&applied, Format::Json, &traces).unwrap();
        prop_assert_eq!(&taken.text, &text, "by way of\n{}", applied);
    }

    #[test]
    fn no_text_makes_the_scanner_fail_otherwise_than_by_saying_so(text in ".{0,40}") {
        let _ = apply(&text, &claude());
    }
}
