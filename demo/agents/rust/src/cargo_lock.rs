//! Reads Cargo.lock, version 1 to 4.

use std::collections::HashMap;

use serde::Deserialize;

use crate::files::ManifestFault;
use crate::inventory::{Component, Hash, Inventory, local_ref, purl};

const NEWEST_LOCK_VERSION: u32 = 4;

/// The file as it is written. The crate `cargo-lock` would resolve names and sources for us, but
/// not keep how they are written, which the component list does.
#[derive(Deserialize)]
struct Lock {
    #[serde(default = "first_version")]
    version: u32,
    #[serde(default)]
    package: Vec<LockedCrate>,
    /// Where version 1 keeps the checksums, by name, version and source.
    #[serde(default)]
    metadata: toml::Table,
}

fn first_version() -> u32 {
    1
}

#[derive(Deserialize)]
struct LockedCrate {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// Reads a Cargo.lock.
pub(crate) fn scan(manifest: &str, text: &str) -> Result<Inventory, ManifestFault> {
    let lock: Lock = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
        let reason = format!("not a lock file: {}", error.message());
        ManifestFault::Malformed { file: manifest.to_owned(), line, reason }
    })?;
    if !(1..=NEWEST_LOCK_VERSION).contains(&lock.version) {
        let reason = format!("lock version {} is not known", lock.version);
        return Err(ManifestFault::malformed(manifest, reason));
    }
    let refs = refs_by_name(manifest, &lock.package);
    let mut components = vec![project(manifest, &lock.package)];
    for locked in &lock.package {
        components.push(component(manifest, &lock, locked, &refs)?);
    }
    Ok(Inventory::new(manifest, components))
}

/// The component that stands for the lock file: the only member's name, or the file's.
fn project(manifest: &str, crates: &[LockedCrate]) -> Component {
    let members: Vec<&LockedCrate> = crates.iter().filter(|c| c.source.is_none()).collect();
    let name = match members[..] {
        [only] => &only.name,
        _ => manifest,
    };
    Component {
        r#ref: local_ref(manifest, None),
        r#type: "application",
        name: name.to_owned(),
        version: None,
        purl: None,
        r#use: "required",
        hashes: Vec::new(),
        properties: [],
        depends_on: Some(members.iter().map(|member| member.reference(manifest)).collect()),
    }
}

impl LockedCrate {
    fn reference(&self, manifest: &str) -> String {
        let place = format!("{}@{}", self.name, self.version);
        self.purl().unwrap_or_else(|| local_ref(manifest, Some(&place)))
    }

    /// `None` for a member of the scanned tree, which no registry has.
    fn purl(&self) -> Option<String> {
        let source = self.source.as_deref()?;
        Some(purl(&self.name, &self.version, origin(source)))
    }
}

/// Where a crate comes from, unless it is the registry that everybody uses.
fn origin(source: &str) -> Option<(&'static str, &str)> {
    let registry = source.strip_prefix("registry+").or_else(|| source.strip_prefix("sparse+"));
    match registry {
        Some(url) if url.starts_with("https://github.com/") => None,
        _ if source.starts_with("git+") => Some(("vcs_url", source)),
        registry => Some(("repository_url", registry.unwrap_or(source))),
    }
}

/// Every way in which a lock file may name a crate: as short as is still unambiguous.
fn refs_by_name(manifest: &str, crates: &[LockedCrate]) -> HashMap<String, String> {
    let mut refs = HashMap::new();
    for locked in crates {
        let LockedCrate { name, version, source, .. } = locked;
        let reference = locked.reference(manifest);
        let mut names = vec![name.clone(), format!("{name} {version}")];
        if let Some(source) = source {
            names.push(format!("{name} {version} ({source})"));
            // Dependencies name a git source without the commit that it is locked to.
            let place = source.split('#').next().unwrap_or(source);
            names.push(format!("{name} {version} ({place})"));
        }
        refs.extend(names.into_iter().map(|name| (name, reference.clone())));
    }
    refs
}

fn component(
    manifest: &str,
    lock: &Lock,
    locked: &LockedCrate,
    refs: &HashMap<String, String>,
) -> Result<Component, ManifestFault> {
    let LockedCrate { name, version, .. } = locked;
    let find = |dependency: &String| {
        refs.get(dependency).cloned().ok_or_else(|| {
            let reason =
                format!("{name} {version} depends on {dependency}, which is not in the file");
            ManifestFault::malformed(manifest, reason)
        })
    };
    let depends_on = locked.dependencies.iter().map(find).collect::<Result<_, _>>()?;
    let purl = locked.purl();
    Ok(Component {
        r#ref: locked.reference(manifest),
        r#type: if purl.is_some() { "library" } else { "application" },
        name: name.clone(),
        version: Some(version.clone()).filter(|version| !version.is_empty()),
        hashes: match purl {
            Some(_) => hashes(manifest, lock, locked)?,
            None => Vec::new(),
        },
        purl,
        r#use: "required",
        properties: [],
        depends_on: Some(depends_on),
    })
}

fn hashes(manifest: &str, lock: &Lock, locked: &LockedCrate) -> Result<Vec<Hash>, ManifestFault> {
    let LockedCrate { name, version, source, checksum, .. } = locked;
    let source = source.as_deref().unwrap_or_default();
    let apart = lock.metadata.get(&format!("checksum {name} {version} ({source})"));
    let checksum = checksum.as_deref().or_else(|| apart.and_then(toml::Value::as_str));
    match checksum {
        // Version 1 writes "<none>" for crates that have no tarball.
        None | Some("<none>") => Ok(Vec::new()),
        Some(sum) if sum.len() == 64 && sum.bytes().all(|b| b"0123456789abcdef".contains(&b)) => {
            Ok(vec![Hash { alg: "SHA-256", content: sum.to_owned() }])
        }
        Some(_) => {
            let reason = format!("checksum of {name} is not a SHA-256");
            Err(ManifestFault::malformed(manifest, reason))
        }
    }
}
