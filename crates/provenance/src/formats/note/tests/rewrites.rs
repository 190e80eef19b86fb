//! What becomes of notes when history is rewritten, each line asked after.

use super::*;

const LAST: u32 = 80;

fn all(note: &Note) -> Vec<(String, u32, Author)> {
    let line = |path: &String, line| Some((path.clone(), line, note.lookup(path, line)?));
    note.files.keys().flat_map(|path| (1..=LAST).filter_map(move |number| line(path, number))).collect()
}

#[test]
fn lines_that_stay_keep_their_record_in_another_place_and_file() {
    let note = built(&[(run(1, 10), ai(1, "large-2")), (run(11, 20), ada())]);
    let mut moves = Moves::new();
    moves.keep("src/a.rs", run(1, 3), "src/b.rs", 101);
    moves.keep("src/a.rs", run(8, 12), "src/b.rs", 104);
    moves.keep("src/other.rs", run(1, 3), "src/c.rs", 1);
    let carried = note.carried(&moves);
    assert_eq!(carried.files.keys().collect::<Vec<_>>(), ["src/b.rs"]);
    assert_eq!(carried.files["src/b.rs"][0].lines, lines("101-106"));
    assert_eq!(carried.files["src/b.rs"][1].lines, lines("107-108"));
    assert_eq!(record_of(&carried, "src/b.rs", 104), Some(id(1)));
    assert_eq!(carried.metadata, note.metadata);
}

#[test]
fn a_line_goes_to_one_place_and_never_beyond_the_last() {
    let note = built(&[(run(1, 10), ada())]);
    let mut moves = Moves::new();
    moves.keep("src/a.rs", run(4, 5), "x", 1);
    moves.keep("src/a.rs", run(3, 6), "y", 1);
    moves.keep("src/a.rs", run(9, 10), "z", u32::MAX);
    let carried = note.carried(&moves);
    assert_eq!(carried.files["x"][0].lines, lines("1-2"));
    assert_eq!(carried.files["y"][0].lines, lines("1,4"));
    assert_eq!(carried.files.len(), 2);
}

#[test]
fn a_note_that_claims_more_lines_than_there_are_is_carried_as_fast() {
    let mut note = built(&[(run(1, 1), ada())]);
    let entry = Attested { lines: lines("1-4294967295"), ..note.files["src/a.rs"][0].clone() };
    note.files.insert("src/a.rs".into(), vec![entry; 10_000]);
    let mut moves = Moves::new();
    for line in (1..20_000).step_by(2) {
        moves.keep("src/a.rs", run(line, line), "src/a.rs", line);
    }
    let carried = note.carried(&moves).merge(&note);
    assert!(carried.files["src/a.rs"].iter().map(|entry| entry.lines.runs().len()).sum::<usize>() < 40_000);
}

#[test]
fn a_note_of_another_s_is_filled_and_never_changed() {
    let theirs = read(MIXED).unwrap();
    let spans = [(run(1, 40), ai(1, "large-2"))];
    let ours = Note::build("", "0.1.0", [("src/net/server.rs", &spans[..]), ("new.rs", &spans[..])]);
    let merged = theirs.merge(&ours);
    for (path, line, author) in all(&theirs) {
        assert_eq!(merged.lookup(&path, line), Some(author));
    }
    let filled = lines("11-14,21-24,26-29,35-40");
    for line in 1..=LAST {
        let record = record_of(&merged, "src/net/server.rs", line);
        assert_eq!(record, filled.contains(line).then(|| id(1)), "{line}");
    }
    assert_eq!(record_of(&merged, "new.rs", 40), Some(id(1)));
    assert_eq!(merged.metadata.rest, theirs.metadata.rest);
    assert_eq!(merged.metadata.git_ai_version, theirs.metadata.git_ai_version);
    assert_eq!(merged.merge(&ours), merged);
}

#[test]
fn a_note_that_says_it_all_is_left_as_it_is() {
    let theirs = read(&MIXED.replace("3.0.0", "2.0.0")).unwrap();
    let spans = [(run(30, 34), ai(1, "large-2"))];
    let ours = Note::build("", "0.1.0", [("src/net/server.rs", &spans[..])]);
    assert_eq!(theirs.merge(&ours), theirs);
}

#[test]
fn a_key_that_stands_for_somebody_else_is_not_taken_over() {
    let ours = built(&[(run(1, 2), ai(1, "large-2")), (run(3, 4), ada())]);
    let mut theirs = built(&[(run(9, 9), ai(2, "large-2")), (run(10, 10), ada())]);
    theirs.metadata.sessions.values_mut().next().unwrap().agent_id.model = "other".into();
    theirs.metadata.humans.values_mut().next().unwrap().author = "Eve <eve@example.com>".into();
    assert_eq!(theirs.merge(&ours), theirs);
}

#[test]
fn a_session_in_both_has_the_records_of_both() {
    let earlier = built(&[(run(1, 2), ai(1, "large-2"))]);
    let later = built(&[(run(2, 3), ai(2, "large-2"))]);
    let expected = [Some(id(1)), Some(id(2)), Some(id(2))];
    let records = |note: &Note| [1, 2, 3].map(|line| record_of(note, "src/a.rs", line));
    assert_eq!(records(&later.merge(&earlier)), expected);
}

proptest! {
    #[test]
    fn merging_loses_nothing_and_adds_only_what_was_untold(theirs in notes(), ours in notes()) {
        let merged = theirs.merge(&ours);
        for (path, line, author) in all(&theirs) {
            prop_assert_eq!(merged.lookup(&path, line), Some(author));
        }
        for (path, line, author) in all(&merged) {
            let told = theirs.lookup(&path, line).or_else(|| ours.lookup(&path, line));
            prop_assert_eq!(Some(author), told);
        }
    }

    #[test]
    fn what_is_carried_is_who_wrote_the_line_before(
        note in notes(),
        cuts in prop::collection::vec((1_u32..60, 0_u32..20, 0_u32..5), 0..5),
    ) {
        // Runs in order that drift downwards, as a comparison of trees has them.
        let (mut next, mut shift) = (1, 0);
        let mut moves = Moves::new();
        let mut places = Vec::new();
        for (length, gap, grown) in cuts {
            let (from, to) = (run(next, next + length), next + shift);
            for path in note.files.keys() {
                moves.keep(path, from, path, to);
            }
            places.extend((0..=length).map(|at| (from.first() + at, to + at)));
            next += length + gap + 1;
            shift += grown;
        }
        let carried = note.carried(&moves);
        for path in note.files.keys() {
            for &(old, new) in &places {
                prop_assert_eq!(carried.lookup(path, new), note.lookup(path, old));
            }
        }
        let runs = carried.files.values().flatten().flat_map(|entry| entry.lines.runs());
        let told = runs.map(|run| u64::from(run.count())).sum::<u64>();
        prop_assert!(told <= (places.len() * note.files.len()) as u64);
    }
}
