//! Faults of the disk and the clock below a real process, which knows nothing of them.
//!
//! A small C library, compiled here and loaded before the C library, lets calls on the files of one folder fail.

mod power;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::Random;

const SOURCE: &str = include_str!("faults.c");

/// The errors of Linux that disks make.
const EIO: i64 = 5;
const ENOSPC: i64 = 28;
const EROFS: i64 = 30;

/// The words of the file shared with the library, in its order.
#[derive(Debug, Clone, Copy)]
enum Word {
    SyncError,
    SyncSkip,
    SyncTimes,
    WriteError,
    WriteLeft,
    ChangeError,
    ClockOffset,
    Syncs,
    Writes,
    Injected,
    Count,
}

/// A switchboard of faults for processes started with its [`Self::environment`]. None holds at first.
#[derive(Debug)]
pub struct Faults {
    folder: TempDir,
    control: File,
    below: PathBuf,
}

impl Faults {
    /// For the files below `folder`, an absolute path.
    pub fn below(folder: &Path) -> Self {
        let own = TempDir::with_prefix("waymark-faults-").expect("temporary folder");
        let source = own.path().join("faults.c");
        std::fs::write(&source, SOURCE).expect("source written");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(own.path().join("faults.so"))
            .arg(&source)
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("cc starts: Rust links with it too");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let control = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(own.path().join("control"))
            .expect("control file");
        control.set_len(Word::Count as u64 * 8).expect("its words");
        std::fs::write(own.path().join("journal"), "").expect("an empty journal");
        Self { folder: own, control, below: folder.to_owned() }
    }

    /// What a process must be started with.
    pub fn environment(&self) -> [(&'static str, PathBuf); 4] {
        let own = |name| self.folder.path().join(name);
        [
            ("LD_PRELOAD", own("faults.so")),
            ("FAULTS_CONTROL", own("control")),
            ("FAULTS_JOURNAL", own("journal")),
            ("FAULTS_BELOW", self.below.clone()),
        ]
    }

    /// Once `skip` more syncs have gone well, so many fail (EIO), or all of them.
    pub fn fail_syncs(&self, skip: usize, times: Option<usize>) {
        self.set(Word::SyncSkip, skip as i64);
        self.set(Word::SyncTimes, times.map_or(0, |times| times as i64));
        self.set(Word::SyncError, EIO);
    }

    /// The disk takes `left` bytes more (ENOSPC), of the last write only what fills up a page.
    pub fn fill_disk(&self, left: usize) {
        self.set(Word::WriteLeft, left as i64);
        self.set(Word::ChangeError, ENOSPC);
        self.set(Word::WriteError, ENOSPC);
    }

    /// From now on nothing may be written (EROFS), as after an error that made the system mount the disk anew.
    pub fn make_read_only(&self) {
        self.set(Word::WriteLeft, 0);
        self.set(Word::SyncSkip, 0);
        self.set(Word::SyncTimes, 0);
        for word in [Word::ChangeError, Word::WriteError, Word::SyncError] {
            self.set(word, EROFS);
        }
    }

    /// The wall clock is this much behind what it is.
    pub fn set_clock_back(&self, by: Duration) {
        self.set(Word::ClockOffset, -i64::try_from(by.as_nanos()).expect("some years at most"));
    }

    /// The wall clock is this much ahead of what it is.
    pub fn set_clock_ahead(&self, by: Duration) {
        self.set(Word::ClockOffset, i64::try_from(by.as_nanos()).expect("some years at most"));
    }

    /// The disk is well again. The clock stays as it is.
    pub fn mend(&self) {
        for word in [Word::SyncError, Word::WriteError, Word::ChangeError] {
            self.set(word, 0);
        }
    }

    /// Leaves the files as a power cut would have at the moment their process was killed: with what was synced, and of
    /// the rest whatever sectors had got to the disk by chance. Says of how many writes something was lost.
    ///
    /// The process must be gone. That files were made, renamed or removed is never lost.
    pub fn cut_power(&self, random: &mut Random) -> usize {
        power::cut(&self.folder.path().join("journal"), random)
    }

    /// Forgets what was written so far: it is on the disk for good. The process must be gone.
    pub fn settle(&self) {
        std::fs::write(self.folder.path().join("journal"), "").expect("the journal begins anew");
    }

    /// How many calls have failed by these faults.
    pub fn injected(&self) -> usize {
        self.get(Word::Injected)
    }

    /// How many syncs have been asked for.
    pub fn syncs(&self) -> usize {
        self.get(Word::Syncs)
    }

    /// How many writes have been asked for.
    pub fn writes(&self) -> usize {
        self.get(Word::Writes)
    }

    fn set(&self, word: Word, value: i64) {
        self.control.write_all_at(&value.to_ne_bytes(), word as u64 * 8).expect("a word written");
    }

    fn get(&self, word: Word) -> usize {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, word as u64 * 8).expect("a word read");
        usize::try_from(i64::from_ne_bytes(bytes)).expect("a count")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script below the faults; whether it ended well, and what it told.
    fn shell(faults: &Faults, script: &str) -> (bool, String) {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(&faults.below).envs(faults.environment());
        let output = command.env("HERE", &faults.below).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&told).trim().to_owned())
    }

    #[test]
    fn a_full_disk_takes_a_part_and_then_nothing_but_elsewhere_all_goes_well() {
        let (here, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let faults = Faults::below(here.path());
        assert!(shell(&faults, "printf 12345 > $HERE/a").0);
        faults.fill_disk(5_000);
        let (done, told) =
            shell(&faults, "dd if=/dev/zero of=$HERE/a oflag=append conv=notrunc bs=10000 count=1");
        assert!(!done && told.contains("No space left"), "{told}");
        assert_eq!(std::fs::metadata(here.path().join("a")).unwrap().len(), 4_096, "a page is full");
        assert!(!shell(&faults, "printf 1 > $HERE/b").0, "a new file takes room");
        assert!(shell(&faults, &format!("printf 1 > {}/b", elsewhere.path().display())).0);
        assert!(faults.injected() >= 2);
        faults.mend();
        assert!(shell(&faults, "printf 1 > $HERE/b").0);
    }

    #[test]
    fn syncs_fail_when_told_and_a_read_only_disk_takes_nothing() {
        let here = TempDir::new().unwrap();
        let faults = Faults::below(here.path());
        assert!(shell(&faults, "printf 1 > $HERE/a; sync $HERE/a").0);
        assert_eq!(faults.syncs(), 1);
        faults.fail_syncs(1, Some(1));
        let synced: Vec<bool> = (0..3).map(|_| shell(&faults, "sync $HERE/a").0).collect();
        assert_eq!((synced, faults.syncs(), faults.injected()), (vec![true, false, true], 4, 1));
        faults.make_read_only();
        for script in ["printf 1 >> $HERE/a", "sync $HERE/a", "mkdir $HERE/b", "unlink $HERE/a"] {
            let (done, told) = shell(&faults, script);
            assert!(!done && told.contains("Read-only"), "{script}: {told}");
        }
        assert_eq!(shell(&faults, "cat $HERE/a"), (true, "1".to_owned()));
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let here = TempDir::new().unwrap();
        let faults = Faults::below(here.path());
        let file = here.path().join("a");
        let write = |letter: &str, seek: usize| {
            format!(
                "head -c 2048 /dev/zero | tr '\\0' {letter} | dd of=$HERE/a conv=notrunc bs=2048 seek={seek};"
            )
        };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let _ = std::fs::remove_file(&file);
            let script = [write("a", 0), "sync $HERE/a;".to_owned(), write("b", 0), write("c", 1)].concat();
            assert!(shell(&faults, &script).0);
            let lost = faults.cut_power(&mut Random::seeded(seed));
            let left = std::fs::read(&file).unwrap();
            assert!(left.len() >= 2_048, "{}", left.len());
            assert!(left[..2_048].iter().all(|byte| b"ab".contains(byte)), "{left:?}");
            let sectors: Vec<u8> = left.chunks(512).map(|sector| sector[0]).collect();
            assert!(left.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
            assert_eq!(lost == 0, sectors == b"bbbbcccc", "{sectors:?}");
            seen.insert(sectors);
        }
        assert!(
            seen.len() > 10 && seen.contains(&b"aaaa"[..]) && seen.contains(&b"bbbbcccc"[..]),
            "{seen:?}"
        );
    }

    #[test]
    fn what_a_failed_sync_did_not_write_is_not_written_by_the_next() {
        let here = TempDir::new().unwrap();
        let faults = Faults::below(here.path());
        let script = "printf a | dd of=$HERE/a conv=notrunc; sync $HERE/a; sync $HERE/a";
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let _ = std::fs::remove_file(here.path().join("a"));
            faults.fail_syncs(0, Some(1));
            assert!(shell(&faults, script).0);
            faults.cut_power(&mut Random::seeded(seed));
            seen.insert(std::fs::read_to_string(here.path().join("a")).unwrap());
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["", "a"]);
    }

    #[test]
    fn the_clock_goes_back_when_told() {
        let here = TempDir::new().unwrap();
        let faults = Faults::below(here.path());
        let now = || shell(&faults, "date +%s").1.parse::<i64>().unwrap();
        let before = now();
        faults.set_clock_back(Duration::from_secs(1_000_000));
        assert!(now() < before - 900_000);
    }
}
