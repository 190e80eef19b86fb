//! Completions at a cursor.

use super::told;
use crate::extract::completion;

fn completed(prefix: &str, text: &str, suffix: &str) -> String {
    told(&completion(Some("a.rs"), prefix, text, suffix).into_iter().collect::<Vec<_>>())
}

#[test]
fn it_is_joined_to_what_stands_around_it() {
    for (prefix, text, suffix, wanted) in [
        ("fn a() {\n    let x = ", "1;", "\n}\n", " fn a() {\n+    let x = 1;\n }\n"),
        ("foo(", "a, b", ");\nbar();", "+foo(a, b);\n bar();\n"),
        ("fn a() {", "\n    1\n}", "\n", " fn a() {\n+    1\n+}\n"),
        ("fn a() {\n", "    1\n", "}\n", " fn a() {\n+    1\n }\n"),
        ("1\n2\n\n3\n4\n5\nx", "y", "z", " 2\n \n 3\n 4\n 5\n+xyz\n"),
        ("x = ", "1\ny = 2\n", "", "+x = 1\n+y = 2\n"),
        ("", "a\r\nb", "\r\nc", "+a\n+b\n c\n"),
        ("if x", " {\r\n    y\r\n", "}", "+if x {\n+    y\n }\n"),
    ] {
        assert_eq!(completed(prefix, text, suffix), format!("Completion a.rs\n{wanted}"), "{text}");
    }
}

#[test]
fn white_space_is_none() {
    for (prefix, text, suffix) in [("a", "", "b"), ("a", " \n\t", "b"), ("", "\n\n", "")] {
        assert_eq!(completed(prefix, text, suffix), "");
    }
}

#[test]
fn a_prompt_may_say_its_file_in_a_comment() {
    let path = |prefix| completion(None, prefix, "    own();", "\n}\n").and_then(|written| written.path);
    let prefix = "// Path: src/other.rs\n// fn other();\n// Path: src/a.rs\nfn a() {\n";
    assert_eq!(path(prefix).as_deref(), Some("src/a.rs"));
    assert_eq!(path("// see src/a.rs\nfn a() {\n"), None);
}
