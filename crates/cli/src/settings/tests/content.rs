//! Content rules: what is in force, and what is wrong with those that cannot be.

use waymark_types::ContentAction;

use super::{SMALLEST, load_text, problem};

fn said(rules: &str) -> String {
    problem(&format!("{SMALLEST}{rules}")).replace("waymark.toml:", "")
}

#[test]
fn secrets_are_recorded_unless_told_otherwise() {
    let rule = |text: &str| {
        let settings = load_text(&format!("{SMALLEST}{text}"), &[("ACME_KEY", "k")]).unwrap();
        settings.config().content.get("secrets").map(|rule| (rule.action, rule.secrets.clone()))
    };
    assert_eq!(rule(""), Some((ContentAction::Record, vec!["all".to_owned()])));
    assert_eq!(
        rule("[content.secrets]\naction = \"redact\""),
        Some((ContentAction::Redact, vec!["all".to_owned()]))
    );
    let some = "[content.secrets]\nsecrets = [\"jwt\"]";
    assert_eq!(rule(some), Some((ContentAction::Record, vec!["jwt".to_owned()])));
    assert_eq!(rule("[content.secrets]\nenabled = false"), None);
}

#[test]
fn a_rule_that_cannot_be_says_what_to_do() {
    for (rule, message) in [
        ("[content.a]\npaths = [\"x\"]", "`content.a` has no `action`"),
        (
            "[content.a]\naction = \"redakt\"",
            "`content.a.action` must be one of record, redact, restrict, refuse",
        ),
        ("[content.a]\naction = \"redact\"\npaths = [\"x\"]", "`content.a.action` `redact` is for secrets"),
        ("[content.a]\naction = \"refuse\"", "`content.a.action` `refuse` would be about every request"),
        ("[content.a]\naction = \"refuse\"\nsecrets = [\"jwtt\"]", "did you mean `jwt`?"),
        (
            "[content.a]\naction = \"refuse\"\npaths = [\"a[\"]",
            "`content.a.paths` holds a pattern that is none",
        ),
        ("[content.a]\naction = \"restrict\"\nproviders = [\"acne\"]", "did you mean `acme`?"),
        ("[content.a]\naction = \"refuse\"\npaths = [\"x\"]\nregions = [\"eu\"]", "has no use with `refuse`"),
        ("[content.\"a b\"]\naction = \"restrict\"", "has a name that records cannot carry"),
        ("[content.a]\naction = \"refuse\"\npaths = \"x\"", "must be an array of strings, found a string"),
    ] {
        let told = said(rule);
        assert!(told.contains(message), "{rule}: {told}");
    }
}

#[test]
fn a_region_that_no_provider_is_in_is_probably_a_slip() {
    let rule = "[content.a]\naction = \"restrict\"\nregions = [\"eu\"]";
    let settings = load_text(&format!("{SMALLEST}{rule}"), &[("ACME_KEY", "k")]).unwrap();
    let [warning] = settings.warnings() else { panic!("{:?}", settings.warnings()) };
    assert!(warning.contains("`content.a.regions` names `eu`, which is no provider's region"), "{warning}");
}
