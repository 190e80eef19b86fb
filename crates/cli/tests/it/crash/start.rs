//! A first start on a disk that fails: it says so, and what it leaves can be started from.

use waymark_testkit::{Faults, Random, Upstream};

use super::books::Verified;
use crate::rig::{Rig, chat};

/// Syncs, and pages written, in the course of a first start: fewer than this.
const MOST: usize = 100;

#[test]
fn a_first_start_that_fails_at_some_sync_or_write_can_be_made_again() {
    let seed = Random::seed();
    eprintln!("seed: {}={seed}", Random::SEED_VARIABLE);
    let mut random = Random::seeded(seed);
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let faults = Faults::below(&rig.waymark.data_dir());
    for fail in [
        |faults: &Faults, at| faults.fail_syncs(at, None),
        |faults: &Faults, at| {
            faults.fill_disk(at * 4_096);
        },
    ] {
        let (mut at, mut failed) = (random.below(2), 0);
        fail(&faults, at);
        while !starts(&mut rig, &faults, &mut random) {
            failed += 1;
            at += 1 + random.below(3);
            assert!(at < MOST, "a start takes fewer steps");
            fail(&faults, at);
        }
        eprintln!("failed {failed} times");
        assert!(failed > 1, "the faults missed");
        faults.mend();
    }
    faults.make_read_only();
    assert!(!starts(&mut rig, &faults, &mut random), "nothing can be started from nothing");
}

/// Whether a first start goes well in spite of what befalls it; where it does not, one on a good disk must.
fn starts(rig: &mut Rig, faults: &Faults, random: &mut Random) -> bool {
    let _ = std::fs::remove_dir_all(rig.waymark.data_dir());
    faults.settle();
    let started = rig.waymark.try_start_with(&faults.environment());
    if let Err(output) = &started {
        assert_eq!(output.code, Some(3), "{output:?}");
        assert!(output.stderr.starts_with("error: ") && !output.stderr.contains("panicked"), "{output:?}");
        faults.mend();
        if random.below(2) == 0 {
            faults.cut_power(random);
        }
        rig.waymark.start();
        assert_eq!(rig.chat(&chat("small", false)).status, 200);
        Verified::of(&rig.waymark);
    }
    rig.waymark.kill();
    started.is_ok()
}
