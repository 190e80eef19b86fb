//! A log that Sigsum's code signed and proved, as litewitness is tested with it (github.com/FiloSottile/torchwood,
//! cmd/litewitness/testdata/litewitness.txt): requests to a witness of ours in the order in which that one gets them.

use waymark_ledger::note::Verifier;
use waymark_ledger::witness::{Latest, Request};

const KEY: &str = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562+5202289b+Af/cLU2Y5BJNP+r3iMDC+av9eWCD0fBJVDfzAux5zxAP";
const ORIGIN: &str = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";

/// A root and the signature of its checkpoint, by size.
const CHECKPOINTS: &[(u64, &str, &str)] = &[
    (
        1,
        "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
    ),
    (
        3,
        "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
        "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
    ),
    (
        5,
        "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
        "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
    ),
];

const FROM_1_TO_3: &[&str] =
    &["KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="];
const FROM_1_TO_5: &[&str] = &[
    "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=",
    "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
];
const FROM_3_TO_5: &[&str] = &[
    "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "KgMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "wgiIFdZfYNv6WU1OllBKsWnLYIS/DBMqt8Uh/S4OukE=",
    "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
];

fn request(old: u64, proof: &[&str], size: u64) -> Request {
    let (_, root, signature) = CHECKPOINTS.iter().find(|(other, ..)| *other == size).unwrap();
    let proof: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
    let note = format!("{ORIGIN}\n{size}\n{root}\n\n\u{2014} {ORIGIN} {signature}\n");
    Request::parse(&format!("old {old}\n{proof}\n{note}")).unwrap()
}

#[test]
fn the_requests_are_answered_as_they_are_elsewhere() {
    let (key, mut latest) = ([Verifier::from_text(KEY).unwrap()], None);
    let mut wrong = FROM_1_TO_3.to_vec();
    wrong[1] = "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAA=";
    for (request, status) in [
        (request(0, &[], 1), 200),
        (request(1, &[], 3), 422),
        (request(1, &wrong, 3), 422),
        (request(1, FROM_1_TO_3, 3), 200),
        (request(1, FROM_1_TO_5, 5), 409),
        (request(3, FROM_3_TO_5, 5), 200),
        (request(0, &[], 5), 409),
    ] {
        let judged = request.judge(&key, latest.as_ref());
        assert_eq!(judged.as_ref().map_or_else(|refusal| refusal.status(), |_| 200), status, "{judged:?}");
        latest =
            judged.ok().map(|checkpoint| Latest { size: checkpoint.size, root: checkpoint.root }).or(latest);
    }
    // The proof that came too late for a witness at 3 leaves is right for one at 1.
    let (_, root, _) = CHECKPOINTS[0];
    let first = Latest { size: 1, root: request(0, &[], 1).judge(&key, None).unwrap().root };
    assert_eq!(waymark_ledger::checkpoint::root_text(&first.root), root);
    assert_eq!(request(1, FROM_1_TO_5, 5).judge(&key, Some(&first)).unwrap().size, 5);
}
