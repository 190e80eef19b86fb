//! Imports run down only, and some rooms may not know some neighbours outside the house.

use super::Finding;
use crate::workspace::{Dependency, Package};

/// Rooms by storey, the lowest first; a room may use what is on a lower storey and nothing beside itself.
const STOREYS: &[&[&str]] = &[
    &["types"],
    &["routing", "protocol", "ledger"],
    &["store", "provenance", "outcomes", "flash"],
    &["gateway"],
    &["cli"],
];

/// Rooms only tests and chores use: they may use `types`, and only dev-dependencies may name them.
const NEVER_SHIPPED: &[&str] = &["testkit", "xtask"];

/// Members beside the house, which measure it from outside: they may use every room and the testkit.
const BESIDE: &[&str] = &["bench"];

/// Crates a room may not depend on, and why.
const STRANGERS: &[(&[&str], &[&str], &str)] = &[
    (
        &["types", "protocol", "routing", "ledger", "outcomes"],
        &["tokio", "axum", "hyper", "http", "reqwest", "sqlx", "notify", "getrandom"],
        "does no IO: let the caller pass in what it needs",
    ),
    (
        &["store", "provenance", "flash"],
        &["axum", "hyper", "http", "reqwest"],
        "does not know HTTP: that belongs to the gateway",
    ),
    (&["xtask"], &["tokio", "axum", "hyper", "http", "reqwest", "sqlx"], "is a chore and builds in seconds"),
];

/// Checks every member.
pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let imports = packages
        .iter()
        .flat_map(|package| package.dependencies.iter().filter_map(|dependency| refuse(package, dependency)));
    packages.iter().filter_map(misnamed).chain(imports).collect()
}

fn misnamed(package: &Package) -> Option<Finding> {
    let room = package.room();
    let wanted = if room == "cli" { "waymark".to_owned() } else { format!("waymark-{room}") };
    (package.name != wanted)
        .then(|| Finding::new(manifest(package), format!("name it `{wanted}`, after its folder")))
}

/// Its manifest, from the root.
fn manifest(package: &Package) -> String {
    let room = package.room();
    if BESIDE.contains(&room) { format!("{room}/Cargo.toml") } else { format!("crates/{room}/Cargo.toml") }
}

fn refuse(package: &Package, dependency: &Dependency) -> Option<Finding> {
    let room = package.room();
    let place = manifest(package);
    let Some(used) = dependency.name.strip_prefix("waymark-") else {
        let is_dev = dependency.kind.as_deref() == Some("dev");
        let (_, _, why) = STRANGERS.iter().find(|(rooms, names, _)| {
            !is_dev && rooms.contains(&room) && names.contains(&dependency.name.as_str())
        })?;
        return Some(Finding::new(place, format!("`{}` must go: {room} {why}", dependency.name)));
    };
    if BESIDE.contains(&room) {
        return None;
    }
    if NEVER_SHIPPED.contains(&used) {
        let is_dev = dependency.kind.as_deref() == Some("dev");
        return (!is_dev)
            .then(|| Finding::new(place, format!("{used} never ships: make it a dev-dependency")));
    }
    let storey = |room: &str| STOREYS.iter().position(|rooms| rooms.contains(&room));
    let own = if NEVER_SHIPPED.contains(&room) { Some(1) } else { storey(room) };
    match (own, storey(used)) {
        (Some(own), Some(below)) if below < own => None,
        (None, _) => {
            Some(Finding::new(place, format!("give {room} its storey in xtask/src/tidy/layering.rs")))
        }
        _ => Some(Finding::new(place, format!("{room} may not know {used}: imports run down only"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(room: &str, name: &str, kind: Option<&str>) -> Vec<Finding> {
        check(&[Package {
            name: if room == "cli" { "waymark".to_owned() } else { format!("waymark-{room}") },
            manifest: format!("crates/{room}/Cargo.toml").into(),
            dependencies: vec![Dependency { name: name.to_owned(), kind: kind.map(str::to_owned) }],
        }])
    }

    #[test]
    fn imports_run_down_only() {
        assert!(findings("gateway", "waymark-flash", None).is_empty());
        assert!(findings("cli", "waymark-types", None).is_empty());
        assert_eq!(findings("flash", "waymark-store", None).len(), 1);
        assert_eq!(findings("types", "waymark-ledger", None).len(), 1);
        assert_eq!(findings("attic", "waymark-types", None).len(), 1);
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert!(findings("gateway", "waymark-testkit", Some("dev")).is_empty());
        assert_eq!(findings("gateway", "waymark-testkit", None).len(), 1);
        assert_eq!(findings("xtask", "waymark-gateway", None).len(), 1);
        assert!(findings("bench", "waymark-testkit", None).is_empty());
        assert_eq!(findings("gateway", "waymark-bench", None).len(), 1);
    }

    #[test]
    fn pure_rooms_stay_pure() {
        assert_eq!(findings("routing", "tokio", None).len(), 1);
        assert_eq!(findings("flash", "reqwest", None).len(), 1);
        assert!(findings("gateway", "axum", None).is_empty());
    }
}
