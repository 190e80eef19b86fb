use waymark_flash::Flash;

use crate::fixture::{Fixture, eventually, text};

const LINE: &str = "let total = compute_total(items, taxes);\n";

fn rest(flash: &Flash) -> String {
    text(flash, Some("other.rs"), "let total = compute_", "\n")
}

#[test]
fn a_file_saved_on_disk_becomes_visible() {
    let fixture = Fixture::with(&[("src/a.rs", LINE)]);
    let flash = fixture.open();
    let _watch = flash.watch().unwrap();
    fixture.write("src/a.rs", LINE.replace("taxes", "discounts"));
    eventually("the edit is seen", || rest(&flash) == "total(items, discounts);");
    std::fs::remove_file(fixture.path().join("src/a.rs")).unwrap();
    eventually("the removal is seen", || rest(&flash).is_empty());
}

#[test]
fn files_git_does_not_track_stay_unknown() {
    let fixture = Fixture::with(&[("src/a.rs", "fn a() {}\n"), ("src/z.rs", "fn z() {}\n")]);
    let flash = fixture.open();
    let _watch = flash.watch().unwrap();
    fixture.write("src/untracked.rs", LINE);
    fixture.write("src/z.rs", "let total = compute_something();\n");
    eventually("the later save is seen", || !rest(&flash).is_empty());
    assert_eq!(rest(&flash), "something();");
}

#[test]
fn a_commit_becomes_the_new_index_and_saved_edits_drop_out() {
    let fixture = Fixture::with(&[("src/a.rs", "fn a() {}\n")]);
    let flash = fixture.open();
    let first = flash.stats().commit;
    let watch = flash.watch().unwrap();
    fixture.write("src/a.rs", LINE);
    fixture.write("new/b.rs", "fn b() {}\n");
    fixture.commit("second");
    eventually("the commit is indexed", || flash.stats().commit != first);
    eventually("nothing is dirty any more", || flash.version() == fixture.open().version());
    assert_eq!(rest(&flash), "total(items, taxes);");
    fixture.write("new/b.rs", "let total = compute_sum();\nlet total = compute_sum();\n");
    eventually("a new directory is followed", || {
        flash.version() != fixture.open().version() || { flash.stats().lines == 3 }
    });
    drop(watch);
}

#[test]
fn a_checkout_of_many_files_is_followed() {
    let fixture = Fixture::new();
    let write_all = |word: &str| {
        for number in 0..600 {
            fixture.write(&format!("src/f{number}.rs"), format!("let value_{number} = {word}_{number}();\n"));
        }
    };
    write_all("first");
    fixture.commit("first");
    write_all("second");
    fixture.commit("second");
    let flash = fixture.open();
    let _watch = flash.watch().unwrap();
    fixture.git(&["checkout", "-q", "HEAD~1"]);
    eventually("the old commit is indexed", || {
        text(&flash, Some("other.rs"), "let value_599 = ", "\n") == "first_599();"
            && flash.version() == fixture.open().version()
    });
}

#[test]
fn what_a_caller_saved_survives_a_commit_of_other_files() {
    let fixture = Fixture::with(&[("a.rs", "fn a() {}\n"), ("b.rs", "fn b() {}\n")]);
    let flash = fixture.open();
    let first = flash.stats().commit;
    let _watch = flash.watch().unwrap();
    flash.saved("a.rs", LINE);
    fixture.write("b.rs", "fn c() {}\n");
    fixture.commit("second");
    eventually("the commit is indexed", || flash.stats().commit != first);
    assert_eq!(rest(&flash), "total(items, taxes);");
}

#[test]
fn the_first_commit_ever_is_followed() {
    let fixture = Fixture::new();
    let flash = fixture.open();
    let _watch = flash.watch().unwrap();
    fixture.write("a.rs", LINE);
    fixture.commit("first");
    eventually("the commit is indexed", || flash.stats().commit.is_some());
    assert_eq!(rest(&flash), "total(items, taxes);");
}
