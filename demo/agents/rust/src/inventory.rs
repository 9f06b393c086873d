//! What a scan finds, and its one form as bytes.
//!
//! The fields, their order and the order of what they hold are those of the demo's TypeScript
//! scanners, byte for byte.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::Serialize;

/// The component list of one manifest.
#[derive(Serialize)]
pub(crate) struct Inventory {
    ecosystem: &'static str,
    manifest: String,
    project: String,
    /// Sorted by ref, each ref once; the manifest's own project is one of them.
    pub(crate) components: Vec<Component>,
    warnings: [String; 0],
}

/// One package, or one project of the scanned tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Component {
    /// What edges point to: the purl, or `local:MANIFEST#PLACE` for what no registry has.
    pub(crate) r#ref: String,
    pub(crate) r#type: &'static str,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) purl: Option<String>,
    /// A lock file does not tell how a crate is used.
    pub(crate) r#use: &'static str,
    pub(crate) hashes: Vec<Hash>,
    /// What CycloneDX has no field for: a lock file says nothing of the kind.
    pub(crate) properties: [String; 0],
    /// `None` where it is not known, and empty where it is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) depends_on: Option<Vec<String>>,
}

/// A digest of the package as its registry serves it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Hash {
    pub(crate) alg: &'static str,
    pub(crate) content: String,
}

impl Inventory {
    /// Puts components in their one order, each ref once.
    pub(crate) fn new(manifest: &str, components: Vec<Component>) -> Self {
        let mut by_ref: HashMap<String, Component> = HashMap::new();
        for component in components {
            let known = by_ref.remove(&component.r#ref);
            let united = match known {
                None => component.tidy(),
                Some(known) => known.unite(component),
            };
            by_ref.insert(united.r#ref.clone(), united);
        }
        let mut components: Vec<Component> = by_ref.into_values().collect();
        components.sort_by(|a, b| compare_text(&a.r#ref, &b.r#ref));
        Self {
            ecosystem: "cargo",
            manifest: manifest.to_owned(),
            project: local_ref(manifest, None),
            components,
            warnings: [],
        }
    }

    /// The component list as bytes; the same manifest makes the same bytes.
    pub(crate) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Component {
    /// The facts of two components of one ref, whose names and versions the ref fixes.
    fn unite(mut self, other: Self) -> Self {
        self.hashes.extend(other.hashes);
        self.depends_on = match (self.depends_on, other.depends_on) {
            (None, None) => None,
            (ours, theirs) => Some([ours, theirs].into_iter().flatten().flatten().collect()),
        };
        self.tidy()
    }

    fn tidy(mut self) -> Self {
        self.hashes.sort_by(|a, b| compare_text(&a.content, &b.content));
        self.hashes.dedup();
        if let Some(refs) = &mut self.depends_on {
            refs.sort_by(|a, b| compare_text(a, b));
            refs.dedup();
        }
        self
    }
}

/// The ref of a component of the scanned tree.
pub(crate) fn local_ref(manifest: &str, place: Option<&str>) -> String {
    place.map_or_else(|| format!("local:{manifest}"), |place| format!("local:{manifest}#{place}"))
}

/// Compares by UTF-16 code units, as JavaScript does.
fn compare_text(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// A package URL, with at most one qualifier. Crates that make them encode some characters in
/// other ways.
pub(crate) fn purl(name: &str, version: &str, qualifier: Option<(&str, &str)>) -> String {
    const COMPONENT: &str = "-_.!~*'()";
    let mut purl = format!("pkg:cargo/{}", percent_encoded(name, COMPONENT));
    if !version.is_empty() {
        purl.push('@');
        purl.push_str(&percent_encoded(version, &format!("{COMPONENT}:+")));
    }
    if let Some((key, value)) = qualifier {
        let value = without_credentials(value);
        if !value.trim().is_empty() {
            purl.push_str(&format!("?{key}={}", percent_encoded(value.trim(), "*-._")));
        }
    }
    purl
}

/// Leaves ASCII letters, digits and what is in `keep` alone.
fn percent_encoded(text: &str, keep: &str) -> String {
    let encode = |byte: u8| {
        if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// Lock files of private registries hold tokens in URLs; an SBOM goes to other people.
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let Some((user, _)) = authority.rsplit_once('@') else { return url.to_owned() };
    if scheme.to_ascii_lowercase().contains("ssh") && !user.contains(':') {
        return url.to_owned();
    }
    format!("{scheme}://{}", &rest[user.len() + 1..])
}

#[cfg(test)]
mod tests {
    use super::{purl, without_credentials};

    #[test]
    fn purls_are_encoded_as_the_typescript_scanners_encode_them() {
        assert_eq!(purl("a", "1.0.0+b~c:d e", None), "pkg:cargo/a@1.0.0+b~c:d%20e");
        let origin = Some(("vcs_url", "git+https://e.org/~x?a=b c#1"));
        let expected = "pkg:cargo/a@1?vcs_url=git%2Bhttps%3A%2F%2Fe.org%2F%7Ex%3Fa%3Db%20c%231";
        assert_eq!(purl("a", "1", origin), expected);
    }

    #[test]
    fn credentials_are_left_out_of_urls() {
        assert_eq!(without_credentials("https://t:oken@e.org/@x"), "https://e.org/@x");
        assert_eq!(without_credentials("git+ssh://git@e.org/x"), "git+ssh://git@e.org/x");
        assert_eq!(without_credentials("git+ssh://u:p@e.org/x"), "git+ssh://e.org/x");
    }
}
