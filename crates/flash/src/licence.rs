//! Which licence a file is under, as far as its repository says.
//!
//! In order: the file's own SPDX line, the nearest licence text upward, the nearest package manifest upward.

use std::collections::BTreeMap;

/// What each directory says about licences.
#[derive(Debug, Default, Clone)]
pub(crate) struct Licences {
    /// Licence texts found in a directory, as an SPDX expression.
    texts: BTreeMap<String, String>,
    /// Licences named by a manifest in a directory.
    manifests: BTreeMap<String, String>,
}

/// Whether a path may say something about licences, so that it must be read.
pub(crate) fn is_evidence(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    is_licence_file(name) || is_manifest(name)
}

/// `LICENSE`, `license.txt`, `LICENSE-MIT`, `COPYING.LESSER`; but not `licence.rs`, which is about licences.
fn is_licence_file(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let bare = [".MD", ".TXT", ".RST"].iter().find_map(|end| upper.strip_suffix(end)).unwrap_or(&upper);
    let stem = ["UNLICENSE", "LICENSE", "LICENCE", "COPYING"].into_iter().find(|stem| bare.starts_with(stem));
    // An ending of its own is a licence's name only where the name is written as such files are.
    stem.is_some_and(|stem| match bare.as_bytes().get(stem.len()) {
        None | Some(b'-' | b'_') => true,
        Some(b'.') => name.starts_with(stem),
        Some(_) => false,
    })
}

fn is_manifest(name: &str) -> bool {
    matches!(name, "Cargo.toml" | "package.json" | "pyproject.toml")
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

impl Licences {
    /// Takes the evidence files' texts, in any order.
    pub(crate) fn new<'a>(evidence: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut found = Self::default();
        let mut texts: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for (path, text) in evidence {
            let name = path.rsplit('/').next().unwrap_or(path);
            let directory = directory_of(path).to_owned();
            if is_manifest(name) {
                if let Some(licence) = named_by(name, text) {
                    found.manifests.insert(directory, licence);
                }
            } else if let Some(licence) = recognise(text) {
                texts.entry(directory).or_default().push(licence);
            }
        }
        for (directory, mut licences) in texts {
            // Dual licensing is written "MIT OR Apache-2.0" almost everywhere: that order, then the alphabet.
            licences.sort_by_key(|licence| (*licence != "MIT", *licence));
            licences.dedup();
            found.texts.insert(directory, licences.join(" OR "));
        }
        found
    }

    /// The licence of a file.
    pub(crate) fn of(&self, path: &str, text: &str) -> Option<String> {
        spdx_line(text).or_else(|| nearest(&self.texts, path)).or_else(|| nearest(&self.manifests, path))
    }
}

fn nearest(by_directory: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let mut directory = directory_of(path);
    loop {
        if let Some(licence) = by_directory.get(directory) {
            return Some(licence.clone());
        }
        if directory.is_empty() {
            return None;
        }
        directory = directory_of(directory);
    }
}

/// The expression of an `SPDX-License-Identifier` line near the top.
fn spdx_line(text: &str) -> Option<String> {
    const MARK: &str = "SPDX-License-Identifier:";
    let line = text.lines().take(20).find_map(|line| line.split_once(MARK))?.1;
    let end = line.find("*/").or_else(|| line.find("-->")).unwrap_or(line.len());
    let expression = line[..end].trim();
    (!expression.is_empty() && expression.len() <= 120).then(|| expression.to_owned())
}

/// The licence whose text this is.
fn recognise(text: &str) -> Option<&'static str> {
    let words = text.split_whitespace().take(1_200).collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let has = |phrase: &str| words.contains(phrase);
    let head = |phrase: &str| words.find(phrase).is_some_and(|at| at < 400);
    if head("apache license") && has("version 2.0") {
        return Some("Apache-2.0");
    }
    if head("gnu affero general public license") {
        return Some("AGPL-3.0");
    }
    if head("gnu lesser general public license") {
        return Some(if has("version 2.1") { "LGPL-2.1" } else { "LGPL-3.0" });
    }
    if head("gnu general public license") {
        return Some(if head("version 2,") { "GPL-2.0" } else { "GPL-3.0" });
    }
    if head("mozilla public license") && has("2.0") {
        return Some("MPL-2.0");
    }
    if has("this is free and unencumbered software released into the public domain") {
        return Some("Unlicense");
    }
    if has("permission is hereby granted, free of charge, to any person obtaining a copy") {
        return Some("MIT");
    }
    if has("permission to use, copy, modify, and/or distribute this software for any purpose")
        || has("permission to use, copy, modify, and distribute this software for any purpose")
    {
        return Some(if has("provided that the above copyright notice") { "ISC" } else { "0BSD" });
    }
    if has("redistribution and use in source and binary forms") {
        let third = has("neither the name of") || has("may not be used to endorse or promote");
        return Some(if third { "BSD-3-Clause" } else { "BSD-2-Clause" });
    }
    None
}

/// The licence a manifest names.
fn named_by(name: &str, text: &str) -> Option<String> {
    let licence = if name == "package.json" {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        value.get("license")?.as_str()?.to_owned()
    } else {
        // One key of one form: a full TOML reader would be a dependency for a single line.
        let line = text.lines().map(str::trim).find(|line| {
            line.strip_prefix("license").is_some_and(|rest| rest.trim_start().starts_with('='))
        })?;
        let value = line.split_once('=')?.1.trim();
        let quoted =
            value.strip_prefix("{ text =").or_else(|| value.strip_prefix("{text =")).unwrap_or(value);
        let quoted = quoted.trim().strip_prefix('"')?;
        quoted.split_once('"')?.0.to_owned()
    };
    let plausible = !licence.is_empty() && licence.len() <= 80 && !licence.starts_with("SEE ");
    plausible.then(|| licence.replace('/', " OR "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "Permission is hereby granted, free of charge, to any person obtaining a copy of this";
    const APACHE: &str = "Apache License\nVersion 2.0, January 2004\nTERMS AND CONDITIONS";

    #[test]
    fn the_nearest_licence_text_wins_and_two_texts_are_an_alternative() {
        let found = Licences::new([
            ("LICENSE-APACHE", APACHE),
            ("LICENSE-MIT", MIT),
            ("a/b/COPYING", "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007"),
        ]);
        assert_eq!(found.of("src/x.rs", "").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(found.of("a/b/c/x.rs", "").as_deref(), Some("GPL-3.0"));
        assert_eq!(found.of("a/x.rs", "// SPDX-License-Identifier: MPL-2.0\n").as_deref(), Some("MPL-2.0"));
        assert_eq!(found.of("a/x.c", "/* SPDX-License-Identifier: ISC */\n").as_deref(), Some("ISC"));
    }

    #[test]
    fn code_about_licences_is_no_licence() {
        let names =
            ["LICENSE", "License.txt", "COPYING.md", "LICENSE-APACHE-2.0", "LICENCE_MIT.rst", "UNLICENSE"];
        assert!(names.into_iter().all(is_licence_file));
        let others = ["licence.rs", "license.go", "LICENSES.json", "licensing.md", "copying.py"];
        assert!(!others.into_iter().any(is_licence_file));
    }

    #[test]
    fn manifests_speak_when_no_licence_text_does() {
        let found = Licences::new([
            ("Cargo.toml", "[package]\nname = \"x\"\nlicense = \"MIT/Apache-2.0\"\n"),
            ("web/package.json", r#"{"license": "BSD-2-Clause"}"#),
            ("py/pyproject.toml", "[project]\nlicense = { text = \"ISC\" }\n"),
        ]);
        assert_eq!(found.of("src/x.rs", "").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(found.of("web/src/x.ts", "").as_deref(), Some("BSD-2-Clause"));
        assert_eq!(found.of("py/x.py", "").as_deref(), Some("ISC"));
        assert_eq!(Licences::default().of("x.rs", ""), None);
    }

    #[test]
    fn licence_texts_are_told_apart() {
        let bsd = "Redistribution and use in source and binary forms, with or without modification";
        assert_eq!(recognise(bsd), Some("BSD-2-Clause"));
        assert_eq!(recognise(&format!("{bsd} Neither the name of the holder")), Some("BSD-3-Clause"));
        assert_eq!(recognise("GNU GENERAL PUBLIC LICENSE Version 2, June 1991"), Some("GPL-2.0"));
        assert_eq!(recognise("GNU LESSER GENERAL PUBLIC LICENSE Version 2.1, February"), Some("LGPL-2.1"));
        assert_eq!(recognise("GNU AFFERO GENERAL PUBLIC LICENSE Version 3"), Some("AGPL-3.0"));
        assert_eq!(recognise("Mozilla Public License Version 2.0"), Some("MPL-2.0"));
        let isc = "Permission to use, copy, modify, and/or distribute this software for any purpose with or \
                   without fee is hereby granted";
        assert_eq!(recognise(isc), Some("0BSD"));
        assert_eq!(recognise(&format!("{isc}, provided that the above copyright notice")), Some("ISC"));
        assert_eq!(recognise("all rights reserved"), None);
        assert!(is_evidence("x/LICENSE-MIT") && is_evidence("COPYING.LESSER") && !is_evidence("licensed.rs"));
    }
}
