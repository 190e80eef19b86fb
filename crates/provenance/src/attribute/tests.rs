mod places;

use super::*;
use crate::{Line, Written};

const MINUTE: i64 = 60 * SECOND;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000 * SECOND + minutes * MINUTE)
}

fn record(number: u8) -> RecordId {
    RecordId::new(at(0), [number; 10])
}

fn key() -> Key {
    Key::new(&[7; 32])
}

/// What a record put out: `+` added, ` ` context, `=` context that the model was shown once, `-` taken away.
fn emission(form: Form, path: &str, text: &str) -> Written {
    let line = |line: &str| {
        let (role, text) = match line.split_at_checked(1) {
            Some(("+", text)) => (Role::Added, text),
            Some(("-", text)) => (Role::Removed, text),
            Some((_, text)) => (Role::Context, text),
            None => (Role::Added, ""),
        };
        Line { role, text: text.to_owned(), apart: false, shown: u32::from(line.starts_with('=')) }
    };
    let path = (!path.is_empty()).then(|| path.to_owned());
    Written { path, form, lines: text.lines().map(line).collect(), everywhere: false, seen: false }
}

fn candidate(number: u8, minute: i64, repository: &str, written: &[Written]) -> Candidate {
    let repository = (!repository.is_empty()).then_some(repository);
    Candidate {
        record: record(number),
        emissions: Arc::new(key().emissions(written, at(minute), repository)),
    }
}

/// A file as a commit of minute 10 left it: `+` added, ` ` kept, `-` taken away.
struct Case {
    path: &'static str,
    text: &'static str,
    candidates: Vec<Candidate>,
    has: bool,
    /// The minute in which the file was last changed before.
    changed: Option<i64>,
    /// The minute in which the commit was first written.
    authored: i64,
    /// What the commit added to its other files.
    beside: Option<&'static [&'static str]>,
}

impl Case {
    fn new(path: &'static str, text: &'static str, candidates: Vec<Candidate>) -> Self {
        Self { path, text, candidates, has: true, changed: None, authored: 10, beside: Some(&[]) }
    }

    fn attributed(&self) -> Vec<Option<Attributed>> {
        let key = key();
        let (mut lines, mut removed) = (Vec::new(), Removed::default());
        let (mut went, mut hunk) = (Vec::new(), 0);
        for line in self.text.lines().chain([" "]) {
            let (sign, text) = line.split_at_checked(1).unwrap_or(("+", ""));
            let text = crate::code(self.path, text);
            let fingerprint = key.fingerprint(&text);
            if sign == "-" {
                went.push(fingerprint.line);
                continue;
            }
            if sign == " " {
                let mut goes = |mark| removed.entry(mark).or_default().push(hunk..lines.len());
                went.drain(..).for_each(&mut goes);
                hunk = lines.len() + 1;
            }
            lines.push(FileLine { fingerprint, added: sign == "+", blank: text.trim().is_empty() });
        }
        lines.pop();
        let times = Times { committed: at(10), authored: at(self.authored), parent: Some(at(5)) };
        let file = File { path: self.path, lines: &lines, removed: &removed, times };
        let names = BTreeSet::from(["shop".to_owned()]);
        let marks = |text: &&str| Arc::new(text.lines().map(|line| key.line(line)).collect());
        let beside: Option<Beside> = self.beside.map(|texts| texts.iter().map(marks).collect());
        let place = Place {
            key: &key,
            names: &names,
            has: &|_| self.has,
            changed: &|| self.changed.map(at),
            beside: &|| beside.clone(),
        };
        attribute(&file, &place, &self.candidates)
    }

    /// One sign a line: the record's number for a model's, the same and `~` for an edited one, `.` for nothing known.
    fn told(&self) -> String {
        let sign = |attributed: &Option<Attributed>| match attributed {
            None => ".".to_owned(),
            Some(found) if found.class == Class::Human => "h".to_owned(),
            Some(found) => {
                let number = (1..9).find(|number| found.record == Some(record(*number))).unwrap();
                format!("{number}{}", if found.class == Class::Ai { "" } else { "~" })
            }
        };
        self.attributed().iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

const TOTAL: &str = "\
+fn total(items: &[Item]) -> u64 {
+    let mut sum = 0;
+    for item in items {
+        sum += item.price * item.count;
+    }
+    sum
+}
";

fn total(number: u8, minute: i64) -> Candidate {
    candidate(number, minute, "shop", &[emission(Form::Write, "/projects/u/shop/src/a.rs", TOTAL)])
}

#[test]
fn what_was_put_out_is_a_models() {
    let case = Case::new("src/a.rs", TOTAL, vec![total(1, 7)]);
    assert_eq!(case.told(), "1 1 1 1 1 1 1");
    let evidence = case.attributed()[0].clone().unwrap().evidence;
    assert_eq!((evidence.kind, evidence.matched_lines), (EvidenceKind::Exact, 7));
}

#[test]
fn nothing_is_of_what_came_after_or_was_for_elsewhere() {
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![total(1, 11)]).told(), ". . . . . . .");
    let written = [emission(Form::Write, "/projects/u/bank/src/a.rs", TOTAL)];
    let other = candidate(1, 7, "bank", &written);
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![other]).told(), ". . . . . . .");
    assert_eq!(Case::new("src/b.rs", TOTAL, vec![total(1, 7)]).told(), ". . . . . . .");
    // Renamed before it was committed.
    let renamed = Case { has: false, ..Case::new("src/b.rs", TOTAL, vec![total(1, 7)]) };
    assert_eq!(renamed.told(), "1 1 1 1 1 1 1");
}

#[test]
fn what_a_person_adds_between_stays_unknown() {
    let text = "\
+fn total(items: &[Item]) -> u64 {
+    let mut sum = 0;
+    let before = std::time::Instant::now();
+    for item in items {
+        sum += item.price * item.count;
+        log_progress(item.name());
+    }
+
+    sum
+}
";
    assert_eq!(Case::new("src/a.rs", text, vec![total(1, 7)]).told(), "1 1 . 1 1 . 1 . 1 1");
}

#[test]
fn edits_and_formatters_leave_a_trace() {
    let text = "\
+fn total(items: &[Item]) -> u64 {
+    let mut total_sum = 0;
+    for item in items {
+        sum += item.price *
+            item.count;
+    }
+    sum
+}
";
    let case = Case::new("src/a.rs", text, vec![total(1, 7)]);
    assert_eq!(case.told(), "1 1~ 1 1~ 1~ 1 1 1");
    let wide = "+let found = client.fetch_all(\"orders\", customer.identity(), Page::first(50));\n";
    let broken = "\
+let found = client.fetch_all(
+    'orders',
+    customer.identity(),
+    Page::first(50),
+);
";
    let emitted = candidate(1, 7, "shop", &[emission(Form::Edit, "src/a.rs", wide)]);
    assert_eq!(Case::new("src/a.rs", broken, vec![emitted]).told(), "1~ 1~ 1~ 1~ .");
}

#[test]
fn a_line_that_was_there_takes_up_what_was_put_out() {
    let emitted = |minute| {
        let line = "+    assert_eq!(response.status(), 200);\n";
        candidate(1, minute, "shop", &[emission(Form::Edit, "src/a.rs", line)])
    };
    let text = "     assert_eq!(response.status(), 200);\n let other = 1;\n+    assert_eq!(response.status(), 200);\n";
    // Put out before the parent was written: it is the line that was there.
    assert_eq!(Case::new("src/a.rs", text, vec![emitted(4)]).told(), ". . .");
    assert_eq!(Case::new("src/a.rs", text, vec![emitted(7)]).told(), ". . 1");
}

#[test]
fn a_small_edit_is_known_by_what_it_took_away_and_by_what_is_around_it() {
    let edit =
        emission(Form::Edit, "src/a.rs", " fn count(items: &[Item]) -> usize {\n-    i = 1;\n+    i += 1;\n");
    let text = " fn count(items: &[Item]) -> usize {\n-    i = 1;\n+    i += 1;\n }\n";
    assert_eq!(Case::new("src/a.rs", text, vec![candidate(1, 7, "shop", &[edit])]).told(), ". 1 .");
}

#[test]
fn what_a_model_only_read_is_not_its_own() {
    let write = "\
 fn theirs(a: u32, b: u32) -> u32 {
     a.wrapping_mul(b) + 17
 }
+fn ours(a: u32, b: u32) -> u32 {
+    a.rotate_left(3) ^ b
+}
";
    let text = "\
+fn theirs(a: u32, b: u32) -> u32 {
+    a.wrapping_mul(b) + 17
+}
+fn ours(a: u32, b: u32) -> u32 {
+    a.rotate_left(3) ^ b
+}
";
    let written = candidate(1, 7, "shop", &[emission(Form::Write, "src/a.rs", write)]);
    assert_eq!(Case::new("src/a.rs", text, vec![written]).told(), ". . . 1 1 1");
}

#[test]
fn two_that_fit_alike_are_both_named() {
    let case = Case::new("src/a.rs", TOTAL, vec![total(1, 6), total(2, 7)]);
    assert_eq!(case.told(), "2 2 2 2 2 2 2");
    assert_eq!(case.attributed()[0].clone().unwrap().others, [record(1)]);
}

#[test]
fn the_same_licence_on_two_files_is_told_apart() {
    let licence = "\
+// Copyright 2026 The Shop Authors, all rights reserved.
+// Licensed under the Apache License, Version 2.0 (the \"License\");
+// you may not use this file except in compliance with the License.
";
    let written = [emission(Form::Write, "src/a.rs", &format!("{licence}{TOTAL}"))];
    let case = Case { has: false, ..Case::new("src/b.rs", licence, vec![candidate(1, 7, "shop", &written)]) };
    assert_eq!(case.told(), ". . .");
}

#[test]
fn an_editors_word_is_the_strongest() {
    let line = "+    let total = items.iter().map(Item::price).sum::<u64>();\n";
    let text = "+    let total = items.iter().map(Item::price).sum::<u64>();\n";
    let suggested = || candidate(1, 7, "shop", &[emission(Form::Completion, "src/a.rs", line)]);
    let said = |event, minute| {
        let mut said = candidate(3, minute, "shop", &[emission(Form::Editor, "src/a.rs", line)]);
        Arc::make_mut(&mut said.emissions).word =
            Some(EditorWord { event, about: Some(record(1)), line: None });
        said
    };
    let told = |events: Vec<Candidate>| {
        let case = Case::new("src/a.rs", text, [vec![suggested()], events].concat());
        (case.told(), case.attributed()[0].clone().map(|found| found.evidence.kind))
    };
    assert_eq!(told(vec![]), ("1".into(), Some(EvidenceKind::Exact)));
    assert_eq!(told(vec![said(EditorEvent::Accepted, 8)]), ("1".into(), Some(EvidenceKind::Feedback)));
    // As far as nothing was changed.
    assert_eq!(told(vec![said(EditorEvent::Edited, 8)]), ("1".into(), Some(EvidenceKind::Feedback)));
    assert_eq!(told(vec![said(EditorEvent::Typed, 8)]), ("h".into(), Some(EvidenceKind::Feedback)));
    let mut rejected = said(EditorEvent::Rejected, 8);
    Arc::make_mut(&mut rejected.emissions).emissions.clear();
    assert_eq!(told(vec![rejected.clone()]).0, ".");
    assert_eq!(told(vec![rejected, said(EditorEvent::Accepted, 9)]).0, "1");
}

#[test]
fn an_editors_word_tells_only_of_what_is_the_suggestions_in_its_order() {
    let written = "\
+    let first = items.first().map(Item::price);
+    let total = items.iter().map(Item::price).sum::<u64>();
+    let last = items.last().map(Item::price);
";
    let stands = "\
+    let first = items.first().map(Item::price);
+    let total = items.iter().map(Item::weight).sum::<u64>();
+    log_the_total_of_this_month(total);
+    let last = items.last().map(Item::price);
+    let first = items.first().map(Item::price);
";
    let suggested = candidate(1, 7, "shop", &[emission(Form::Completion, "src/a.rs", written)]);
    let mut said = candidate(3, 8, "shop", &[emission(Form::Editor, "src/a.rs", stands)]);
    let (event, about) = (EditorEvent::Edited, Some(record(1)));
    Arc::make_mut(&mut said.emissions).word = Some(EditorWord { event, about, line: None });
    assert_eq!(Case::new("src/a.rs", stands, vec![suggested, said]).told(), "1 1~ . 1 .");
}

#[test]
fn of_what_was_turned_down_a_line_that_is_the_same_is_chance() {
    let written: String =
        (0..12).map(|at| format!("+let turned_down_{at} = choose(other_{at});\n")).collect();
    let written = format!("{written}+    assert_eq!(response.status(), 200);\n");
    let text = "+fn check(response: &Response) {\n+    assert_eq!(response.status(), 200);\n+}\n";
    let turned_down = candidate(1, 7, "shop", &[emission(Form::Write, "src/a.rs", &written)]);
    assert_eq!(Case::new("src/a.rs", text, vec![turned_down]).told(), ". . .");
}

#[test]
fn a_line_that_was_put_back_is_none_that_was_edited() {
    let edit = "\
 fn lend(&mut self, reader: &str) {
-    let loan = Loan { reader: reader.to_owned(), since: now };
+    let loan = Loan { reader: reader.to_owned(), since: self.now() };
";
    let text = "\
 fn lend(&mut self, reader: &str) {
-    let loan = Loan { reader: reader.to_owned(), since: self.now() };
+    let loan = Loan { reader: reader.to_owned(), since: now };
";
    let edited = candidate(1, 7, "shop", &[emission(Form::Edit, "src/a.rs", edit)]);
    assert_eq!(Case::new("src/a.rs", text, vec![edited]).told(), ". .");
}

#[test]
fn what_waited_for_its_file_s_commit_is_found_and_what_landed_earlier_is_not_found_twice() {
    let waited = Case::new("src/a.rs", TOTAL, vec![total(1, 4)]);
    assert_eq!(waited.told(), "1 1 1 1 1 1 1", "older than the parent, which left the file alone");
    // A person's second function like the model's first one, which has landed and was edited since.
    let text = "\
+fn total(items: &[Item]) -> u64 {
+    let mut weight = 0;
+    for item in items {
+        weight += item.weight * item.count;
+    }
+    weight
+}
";
    let copied = Case { changed: Some(5), ..Case::new("src/a.rs", text, vec![total(1, 4)]) };
    assert_eq!(copied.told(), ". . . . . . .");
    let more =
        format!("{TOTAL}+fn print_the_total(items: &[Item]) {{ println!(\"{{}}\", total(items)); }}\n");
    let more: &'static str = more.leak();
    let write = candidate(1, 4, "shop", &[emission(Form::Write, "/projects/u/shop/src/a.rs", more)]);
    let came_back = Case { changed: Some(5), ..Case::new("src/a.rs", more, vec![write]) };
    assert_eq!(came_back.told(), "1 1 1 1 1 1 1 1");
    let all_of_few = Case { changed: Some(5), ..Case::new("src/a.rs", TOTAL, vec![total(1, 4)]) };
    assert_eq!(all_of_few.told(), "1 1 1 1 1 1 1");
}

#[test]
fn within_the_second_of_the_parent_what_stands_there_says_that_it_landed_in_it() {
    let edit = " fn reset(&mut self) {\n+    self.first.reset();\n+    self.second.reset();\n }\n";
    let mut edit = candidate(1, 5, "shop", &[emission(Form::Edit, "src/a.rs", edit)]);
    Arc::make_mut(&mut edit.emissions).ended = Timestamp::from_micros(at(5).as_micros() + SECOND / 2);
    let text = " fn reset(&mut self) {\n+    self.first_of_all.reset();\n     self.second.reset();\n }\n";
    assert_eq!(Case::new("src/a.rs", text, vec![edit.clone()]).told(), ". . . .");
    // What a person added then is more like it than what became of it.
    let edit = "\
 impl Clock for Pair {
 fn reset(&mut self) {
+    self.first.start_again(now, limit);
+    self.second.start_again(now, limit);
 }
";
    let mut edit = candidate(1, 5, "shop", &[emission(Form::Edit, "src/a.rs", edit)]);
    Arc::make_mut(&mut edit.emissions).ended = Timestamp::from_micros(at(5).as_micros() + SECOND / 2);
    let text = "\
 impl Clock for Pair {
 fn reset(&mut self) {
     self.first_one.start_again(now, limit);
     self.second_one.start_again(now, limit);
 }
+fn clear(&mut self) {
+    self.first.start_again(now, limit);
+    self.second.start_again(now, limit);
+}
";
    assert_eq!(Case::new("src/a.rs", text, vec![edit]).told(), ". . . . . . . . .");
}

#[test]
fn two_equal_lines_that_were_edited_alike_are_both_known() {
    let written = "\
+fn first(input: &str) -> Result {
+    return tested(command, input);
+}
+fn second(input: &str) -> Result {
+    return tested(command, input);
+}
";
    let text = written.replace("command, input", "command, count");
    let text: &'static str = text.leak();
    let write = candidate(1, 7, "shop", &[emission(Form::Write, "src/a.rs", written)]);
    assert_eq!(Case::new("src/a.rs", text, vec![write]).told(), "1 1~ 1 1 1~ 1");
}

#[test]
fn a_long_name_that_became_a_short_one_leaves_the_line_known() {
    let written = "\
+    /// The overrides, in the order they are looked at.
+    pub(crate) fn overrides_in_their_order(
+        &self, path: &Path,
";
    let text = "\
+    /// The overrides, in the order they are looked at.
+    pub(crate) fn node_in_order(
+        &self, path: &Path,
";
    let write = candidate(1, 7, "shop", &[emission(Form::Write, "src/a.rs", written)]);
    assert_eq!(Case::new("src/a.rs", text, vec![write]).told(), "1 1~ 1");
}

#[test]
fn an_editors_word_is_about_the_copy_that_stands_where_it_says() {
    let line = "+    let total = items.iter().map(Item::price).sum::<u64>();\n";
    let text = format!("{line}+fn one() {{}}\n+fn two() {{}}\n{line}");
    let text: &'static str = text.leak();
    let suggested = candidate(1, 7, "shop", &[emission(Form::Completion, "src/a.rs", line)]);
    let mut said = candidate(3, 8, "shop", &[emission(Form::Editor, "src/a.rs", line)]);
    let (event, about) = (EditorEvent::Accepted, Some(record(1)));
    for (number, wanted) in [(1, "1 . . ."), (4, ". . . 1")] {
        Arc::make_mut(&mut said.emissions).word = Some(EditorWord { event, about, line: Some(number) });
        let case = Case::new("src/a.rs", text, vec![suggested.clone(), said.clone()]);
        let kinds = case.attributed().into_iter().map(|found| found.map(|found| found.evidence.kind));
        let said_of: Vec<bool> = kinds.map(|kind| kind == Some(EvidenceKind::Feedback)).collect();
        let wanted: Vec<bool> = wanted.split(' ').map(|sign| sign == "1").collect();
        assert_eq!(said_of, wanted, "line {number}");
    }
}

#[test]
fn a_formatters_commit_after_the_models_leaves_its_lines_known() {
    let text = "\
 fn total(items: &[Item]) -> u64 {
     let mut sum = 0;
     for item in items {
-        sum += item.price * item.count;
+        sum +=
+            item.price * item.count;
     }
     sum
 }
";
    let formatted = Case { changed: Some(5), ..Case::new("src/a.rs", text, vec![total(1, 4)]) };
    assert_eq!(formatted.told(), ". . . 1~ 1~ . . .");
    let respelt = text.replace(
        "+        sum +=\n+            item.price * item.count;",
        "+        sum += item.price * item.count,",
    );
    let respelt = Case { changed: Some(5), ..Case::new("src/a.rs", respelt.leak(), vec![total(1, 4)]) };
    assert_eq!(respelt.told(), ". . . 1~ . . .");
    // Not where the commit takes nothing of it away.
    let text = text.replace("-        sum += item.price * item.count;\n", "");
    let text: &'static str = text.leak();
    let typed = Case { changed: Some(5), ..Case::new("src/a.rs", text, vec![total(1, 4)]) };
    assert_eq!(typed.told(), ". . . . . . . .");
}

#[test]
fn what_came_after_a_commit_was_first_written_is_in_it_if_what_it_takes_away_is_gone() {
    let edit = concat!(
        " fn total(items: &[Item]) -> u64 {\n",
        "-    let mut sum_of_all = 0;\n",
        "+    let mut sum_of_all = items.first_price();\n",
    );
    let edited = " fn total(items: &[Item]) -> u64 {\n+    let mut sum_of_all = items.last_price();\n";
    let case = |text: &'static str| {
        let edit = candidate(1, 8, "shop", &[emission(Form::Edit, "src/a.rs", edit)]);
        Case { authored: 6, ..Case::new("src/a.rs", text, vec![edit]) }.told()
    };
    assert_eq!(case(edited), ". 1~");
    // Here it stands: the edit came to a later commit.
    assert_eq!(case(" fn total(items: &[Item]) -> u64 {\n+    let mut sum_of_all = 0;\n"), ". .");
}

/// What a model replaced, in a file of two functions that end alike.
const REPLACED: &str = "\
 fn first(value: Option<u64>) -> u64 {
     let known = lookup_in_the_first_table(value);
-    known.unwrap_or(0)
+    let Some(known) = known else { return default_of(value) };
+    known.checked_add(offset_of(value)).unwrap_or(known)
 }
";

#[test]
fn an_equal_line_of_a_persons_is_not_taken_for_an_edited_one() {
    let edit = emission(Form::Edit, "/projects/u/shop/src/a.rs", REPLACED);
    let text = "\
 fn first(value: Option<u64>) -> u64 {
     let known = lookup_in_the_first_table(value);
-    known.unwrap_or(0)
+    let Some(found) = known else { return default_of(value) };
+    known.checked_add(offset_of(value)).unwrap_or(value)
 }
 fn other(value: Option<u64>) -> u64 {
+    let Some(known) = known else { return default_of(value) };
+    known.checked_add(offset_of(value)).unwrap_or(known)
 }
";
    let case = Case::new("src/a.rs", text, vec![candidate(1, 7, "shop", &[edit])]);
    assert_eq!(case.told(), ". . 1~ 1~ . . . . .");
}

#[test]
fn what_the_commit_took_away_says_where() {
    let edit = "\
-    sum += item.price;
+    sum += item.price * item.count;
";
    let edit = emission(Form::Edit, "/projects/u/shop/src/a.rs", edit);
    let text = "\
 for item in first {
+    sum += item.price * item.count;
 }
 for item in second {
-    sum += item.price;
+    sum += item.price * item.count;
 }
";
    let case = Case::new("src/a.rs", text, vec![candidate(1, 7, "shop", &[edit])]);
    assert_eq!(case.told(), ". . . . 1 .");
}

#[test]
fn who_put_a_line_in_its_place_last_has_it_however_little_else_that_was() {
    let again = "\
     let mut sum = 0;
     for item in items {
-        sum += item.price;
+        sum += item.price * item.count;
     }
     sum
";
    let again = emission(Form::Edit, "/projects/u/shop/src/a.rs", again);
    let case = Case::new(
        "src/a.rs",
        TOTAL,
        vec![total(1, 7), candidate(2, 8, "shop", std::slice::from_ref(&again))],
    );
    assert_eq!(case.told(), "1 1 1 2 1 1 1");
    let case = Case::new(
        "src/a.rs",
        TOTAL,
        vec![total(1, 8), candidate(2, 7, "shop", std::slice::from_ref(&again))],
    );
    assert_eq!(case.told(), "1 1 1 1 1 1 1");
    // Also after an editor's word, but not before it.
    let mut word = candidate(3, 7, "shop", &[emission(Form::Editor, "src/a.rs", TOTAL)]);
    Arc::make_mut(&mut word.emissions).word =
        Some(EditorWord { event: EditorEvent::Accepted, about: Some(record(1)), line: None });
    for (minute, wanted) in [(8, "1 1 1 2 1 1 1"), (6, "1 1 1 1 1 1 1")] {
        let again = candidate(2, minute, "shop", std::slice::from_ref(&again));
        let case = Case::new("src/a.rs", TOTAL, vec![total(1, 5), word.clone(), again]);
        assert_eq!(case.told(), wanted, "minute {minute}");
    }
}

#[test]
fn an_old_block_that_names_no_file_is_not_of_a_file_that_came_later() {
    let block = |minute| candidate(1, minute, "shop", &[emission(Form::Fence, "", TOTAL)]);
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![block(7)]).told(), "1 1 1 1 1 1 1");
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![block(4)]).told(), ". . . . . . .");
}

/// What a model put between two lines, and what a person put there who would have none of it.
const TURNED_DOWN: &str = "\
 fn total(items: &[Item]) -> u64 {
+    assert!(!items.is_empty(), \"nothing to sum\");
+    let began = parse_time(items[0].began);
+    log::debug!(\"{} items to sum\", items.len());
     let mut sum = 0;
";

#[test]
fn what_was_turned_down_is_not_told_by_one_line_that_is_a_little_like_it() {
    let edit = candidate(1, 7, "shop", &[emission(Form::Edit, "/projects/u/shop/src/a.rs", TURNED_DOWN)]);
    let text = "\
 fn total(items: &[Item]) -> u64 {
+    let ended = parse_time(items[0].ended);
+    report(ended);
     let mut sum = 0;
";
    assert_eq!(Case::new("src/a.rs", text, vec![edit.clone()]).told(), ". . . .");
    let far = "\
 fn other() {
+    log::debug!(\"{} items to sum\", items.len());
 }
";
    assert_eq!(Case::new("src/a.rs", far, vec![edit]).told(), ". . .");
    let block = emission(Form::Fence, "src/a.rs", "+    let began = parse_time(items[0].began_at);\n");
    let shown = candidate(1, 7, "shop", &[block]);
    assert_eq!(Case::new("src/a.rs", text, vec![shown]).told(), ". . . .");
}

#[test]
fn an_editor_knows_the_file_of_a_suggestion_that_names_none() {
    let suggested = candidate(1, 7, "shop", &[emission(Form::Completion, "", TOTAL)]);
    let told = |path: &'static str| {
        let mut said = candidate(3, 8, "shop", &[emission(Form::Editor, "/projects/u/shop/src/a.rs", TOTAL)]);
        let event = EditorEvent::Accepted;
        Arc::make_mut(&mut said.emissions).word =
            Some(EditorWord { event, about: Some(record(1)), line: None });
        Case::new(path, TOTAL, vec![suggested.clone(), said]).told()
    };
    assert_eq!(told("src/a.rs"), "1 1 1 1 1 1 1");
    assert_eq!(told("src/b.rs"), ". . . . . . .", "made like it");
}

#[test]
fn a_block_that_names_no_file_is_of_the_one_that_has_the_most_of_it() {
    const HEAD: &str = "// Licensed under the licence of this shop\n// as it hangs beside the door of it\n\
        // you may not buy anything here except\n// in compliance with what hangs there\n";
    let (begun, whole) = (format!("{HEAD}\npackage shop\n"), format!("{HEAD}package shop\n"));
    let put_out: String = whole.lines().map(|line| format!("+{line}\n")).collect();
    let block = || candidate(1, 7, "shop", &[emission(Form::Fence, "", &put_out)]);
    let text: &'static str = put_out.clone().leak();
    let with = |beside| Case { beside, ..Case::new("src/a.go", text, vec![block()]) };
    assert_eq!(with(Some(&[])).told(), "1 1 1 1 1");
    assert_eq!(with(Some(&["package shop\n\nfunc total() {}\n", HEAD])).told(), "1 1 1 1 1");
    let alike: &'static [&'static str] = vec![&*begun.leak()].leak();
    assert_eq!(with(Some(alike)).told(), ". . . . .", "nobody knows which was meant");
    assert_eq!(with(None).told(), ". . . . .");
}

#[test]
fn within_the_second_of_the_parent_what_all_stands_there_has_landed_however_it_was_cut_up() {
    let typed = " typed_between();\n".repeat(99);
    let cut: String = TOTAL.lines().map(|line| format!(" {}\n{typed}", &line[1..])).collect();
    let copy = TOTAL.replace("price", "weight");
    let text: &'static str = format!("{cut} fn other() {{}}\n{copy}").leak();
    let told = Case::new("src/a.rs", text, vec![total(1, 5)]).told();
    assert!(!told.contains('1'), "{told}");
    assert!(Case::new("src/a.rs", text, vec![total(1, 7)]).told().contains('1'), "put out after it");
}

#[test]
fn a_block_of_a_chat_that_only_quotes_claims_none_of_its_signs() {
    let quoted = TOTAL.replace('+', " ").replace(" }\n", "+}\n");
    let block = |form| candidate(1, 7, "shop", &[emission(form, "src/a.rs", &quoted)]);
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![block(Form::Fence)]).told(), ". . . . . . .");
    assert!(Case::new("src/a.rs", TOTAL, vec![block(Form::Edit)]).told().contains('1'));
}

#[test]
fn an_offer_whose_place_is_known_is_as_sure_as_an_edit() {
    let written = total(1, 6);
    let text = "\
     let mut sum = 0;
+    for item in items {
         sum += item.price * item.count;
     }
";
    let offered = candidate(2, 7, "shop", &[emission(Form::Fence, "src/a.rs", text)]);
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![written, offered]).told(), "1 1 2 1 1 1 1");
    let offer = || candidate(2, 7, "shop", &[emission(Form::Fence, "src/a.rs", text)]);
    let mut typed =
        candidate(3, 8, "shop", &[emission(Form::Editor, "src/a.rs", "+    for item in items {\n")]);
    let event = EditorEvent::Typed;
    Arc::make_mut(&mut typed.emissions).word = Some(EditorWord { event, about: None, line: Some(3) });
    assert_eq!(
        Case::new("src/a.rs", TOTAL, vec![offer(), typed]).told(),
        ". . h . . . .",
        "but not as a word"
    );
    let alone = candidate(2, 7, "shop", &[emission(Form::Fence, "src/a.rs", "+    for item in items {\n")]);
    assert_eq!(Case::new("src/a.rs", TOTAL, vec![total(1, 6), alone]).told(), "1 1 1 1 1 1 1");
}
