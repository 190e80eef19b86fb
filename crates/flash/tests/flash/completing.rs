use proptest::prelude::*;
use waymark_flash::{CompletionRequest, Declined, Flash, Source};

use crate::fixture::{Fixture, ask, text};

const SERVER: &str = "fn start() {\n    let listener = TcpListener::bind(address).await?;\n    \
                      serve(listener, router).await\n}\n";

fn server() -> Fixture {
    Fixture::with(&[("src/server.rs", SERVER)])
}

#[test]
fn the_rest_of_a_line_is_copied_and_cited() {
    let fixture = server();
    let flash = fixture.open();
    let answer = ask(&flash, Some("src/other.rs"), "fn run() {\n    let listener = TcpListener::", "\n}\n");
    let suggestion = answer.suggestion.unwrap();
    assert_eq!(suggestion.text, "bind(address).await?;");
    let citation = &suggestion.citations[0];
    assert_eq!(
        (citation.path.as_str(), citation.line, citation.source),
        ("src/server.rs", 2, Source::Commit)
    );
    assert_eq!(citation.commit, flash.stats().commit);
    assert_eq!(answer.completion_tokens, 8);
    assert!(answer.prompt_tokens > 8 && suggestion.confidence == answer.confidence);
}

#[test]
fn blanks_at_the_join_come_out_right() {
    let flash = server().open();
    let rest = |prefix: &str| text(&flash, Some("src/other.rs"), prefix, "\n");
    assert_eq!(rest("    let listener ="), " TcpListener::bind(address).await?;");
    assert_eq!(rest("    let listener = "), "TcpListener::bind(address).await?;");
    assert_eq!(rest("    let listener = TcpListener"), "::bind(address).await?;");
    assert_eq!(rest("    let listener = TcpListener ::"), "bind(address).await?;");
}

#[test]
fn at_an_empty_line_the_cursors_indentation_stands() {
    let flash = server().open();
    let prefix = "    let listener = TcpListener::bind(address).await?;\n        ";
    assert_eq!(text(&flash, Some("src/other.rs"), prefix, "\n"), "serve(listener, router).await");
}

#[test]
fn a_cursor_inside_an_identifier_completes_it() {
    let flash = server().open();
    assert_eq!(
        text(&flash, Some("src/other.rs"), "    let listener = TcpLis", "\n"),
        "tener::bind(address).await?;"
    );
}

#[test]
fn what_the_line_already_has_is_not_suggested_again() {
    let flash = server().open();
    assert_eq!(text(&flash, Some("src/other.rs"), "    serve(listener", ").await\n}"), ", router");
    assert_eq!(text(&flash, Some("src/other.rs"), "    serve(", ")\n}"), "listener, router");
}

#[test]
fn suggestions_are_bounded_in_tokens() {
    let flash = server().open();
    let request = CompletionRequest {
        prefix: "    let listener = TcpListener",
        path: Some("src/other.rs"),
        threshold: Some(0.0),
        max_tokens: Some(3),
        ..CompletionRequest::default()
    };
    let answer = flash.complete(&request);
    assert_eq!(answer.suggestion.unwrap().text, "::bind(");
    assert_eq!(answer.completion_tokens, 3);
    assert!(flash.complete(&CompletionRequest { max_tokens: Some(0), ..request }).suggestion.is_none());
}

#[test]
fn what_closes_what_is_not_open_is_held_back() {
    let fixture =
        Fixture::with(&[("src/wrap.rs", "fn wrap() {\n    let all = gather(order(alpha, beta));\n}\n")]);
    let flash = fixture.open();
    let rest = |prefix: &str| {
        let answer = ask(&flash, Some("src/other.rs"), prefix, "\n");
        (answer.suggestion.map(|suggestion| suggestion.text), answer.declined)
    };
    let fits = rest("fn other() {\n    let all = gather(order(alpha, ");
    assert_eq!(fits, (Some("beta));".to_owned()), None));
    let one_too_many = rest("fn other() {\n    let one = order(alpha, ");
    assert_eq!(one_too_many, (None, Some(Declined::Syntax)));
}

#[test]
fn below_the_threshold_it_declines_but_says_how_sure_it_was() {
    let flash = server().open();
    let request = CompletionRequest {
        prefix: "    let listener = TcpListener",
        path: Some("src/other.rs"),
        threshold: Some(1.0),
        ..CompletionRequest::default()
    };
    let answer = flash.complete(&request);
    assert!(answer.suggestion.is_none() && answer.confidence > 0.0 && answer.confidence < 1.0);
}

#[test]
fn the_edited_files_committed_version_cannot_leak() {
    let long = (0..40).map(|n| format!("    step_{n}(alpha, beta_{n});\n")).collect::<String>();
    let committed = format!("fn body() {{\n{long}    unique_secret_call(one, two);\n}}\n");
    let fixture = Fixture::with(&[("src/body.rs", &committed), ("src/lib.rs", "mod body;\n")]);
    let flash = fixture.open();
    let prefix = format!("fn body() {{\n{long}    unique_secret_");
    // Asked from another file the line is there; from its own file, where it was removed, it is not.
    assert_eq!(text(&flash, Some("src/lib.rs"), &prefix, "\n}\n"), "call(one, two);");
    assert_eq!(text(&flash, Some("src/body.rs"), &prefix, "\n}\n"), "");
    let absolute = fixture.path().join("src/body.rs");
    assert_eq!(text(&flash, absolute.to_str(), &prefix, "\n}\n"), "");
    assert_eq!(text(&flash, Some("body.rs"), &prefix, "\n}\n"), "", "seen from another directory");
    // Without a path, or with one elsewhere, the text itself says which file this is.
    assert_eq!(text(&flash, Some("/elsewhere/body.rs"), &prefix, "\n}\n"), "");
    assert_eq!(text(&flash, None, &prefix, "\n}\n"), "");
}

#[cfg(unix)]
#[test]
fn a_path_through_a_symbolic_link_names_the_same_file() {
    let fixture = server();
    let links = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(fixture.path(), links.path().join("link")).unwrap();
    let linked = links.path().join("link/src/server.rs");
    assert_eq!(text(&fixture.open(), linked.to_str(), "    let listener = TcpLis", "\n"), "");
}

#[test]
fn a_saved_edit_is_visible_and_hides_the_committed_version() {
    let flash = server().open();
    let before = flash.version();
    flash.saved("src/server.rs", &SERVER.replace("bind(address)", "bind_reusing(address, backlog)"));
    assert_ne!(flash.version(), before);
    let answer = ask(&flash, Some("src/other.rs"), "    let listener = TcpListener", "\n");
    let suggestion = answer.suggestion.unwrap();
    assert_eq!(suggestion.text, "::bind_reusing(address, backlog).await?;");
    assert_eq!(suggestion.citations.len(), 1);
    assert_eq!((suggestion.citations[0].source, &suggestion.citations[0].commit), (Source::SavedEdit, &None));
    flash.saved("./src/server.rs", SERVER);
    assert_eq!(flash.version(), before, "saved back to what is committed");
}

#[test]
fn an_empty_model_knows_the_buffer_only() {
    let flash = Flash::empty();
    assert_eq!(text(&flash, None, "", ""), "");
    let answer = ask(&flash, Some("a.py"), "value = compute(first, second)\nvalue = compute(", "\n");
    let suggestion = answer.suggestion.unwrap();
    assert_eq!(suggestion.text, "first, second)");
    assert_eq!((suggestion.citations[0].source, suggestion.citations[0].line), (Source::Buffer, 1));
    let below = ask(&flash, Some("a.py"), "x = 1\nvalue = compute(", "\ny = 2\nvalue = compute(third)\n");
    assert_eq!(below.suggestion.unwrap().citations[0].line, 4);
}

#[test]
fn other_scripts_survive() {
    let fixture = Fixture::with(&[("text.py", "größe = messen(länge, \"naïve → ok\")\n")]);
    assert_eq!(text(&fixture.open(), Some("x.py"), "größe = mess", "\n"), "en(länge, \"naïve → ok\")");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn answers_repeat_and_their_citations_hold(
        lines in proptest::collection::vec("[ab]{1,2}( = |\\.|\\()[ab]{1,3}\\)?;?", 1..12),
        cut in 0usize..200,
    ) {
        let flash = Flash::empty();
        let file = lines.join("\n");
        flash.saved("lib/one.rs", &file);
        let cut = cut.min(file.len());
        let (prefix, suffix) = file.split_at(cut);
        let first = ask(&flash, Some("lib/two.rs"), prefix, suffix);
        prop_assert_eq!(&first, &ask(&flash, Some("lib/two.rs"), prefix, suffix));
        prop_assert!(first.confidence >= 0.0 && first.confidence <= 1.0);
        if let Some(suggestion) = first.suggestion {
            prop_assert!(!suggestion.citations.is_empty() && !suggestion.text.contains('\n'));
            for citation in suggestion.citations {
                let text = if citation.source == Source::Buffer { format!("{prefix}{suffix}") } else { file.clone() };
                let line = text.lines().nth(citation.line as usize - 1).unwrap();
                prop_assert!(line.contains(&suggestion.text), "{:?} has {:?}", line, suggestion.text);
            }
        }
    }

    #[test]
    fn any_text_can_be_asked_about(prefix in "(?s).{0,60}", suffix in "(?s).{0,60}") {
        let flash = Flash::empty();
        flash.saved("a", &format!("{prefix}{suffix}"));
        ask(&flash, Some("b"), &prefix, &suffix);
        ask(&flash, None, &prefix, &suffix);
    }
}
