//! OpenAPI files of one folder, and what the references in them stand for.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

/// More references in a row than anybody writes.
const CHAIN_MAX: usize = 20;

/// The YAML files of a folder and of those in it, by their paths below it.
#[derive(Debug)]
pub(super) struct Documents(BTreeMap<PathBuf, Value>);

/// A piece of a file. References in it are relative to that file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) file: PathBuf,
    pub(super) value: Value,
}

impl Piece {
    pub(super) fn new(file: &Path, value: &Value) -> Self {
        Self { file: file.to_owned(), value: value.clone() }
    }

    /// A member of the piece, as a piece of the same file.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| Self::new(&self.file, value))
    }
}

impl Documents {
    /// Reads them all.
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        read_folder(folder, Path::new(""), &mut files)?;
        Ok(Self(files))
    }

    /// Those that describe an API; the others are only referred to.
    pub(super) fn specifications(&self) -> impl Iterator<Item = Piece> {
        let described = self.0.iter().filter(|(_, value)| value.get("openapi").or_else(|| value.get("swagger")).is_some());
        described.map(|(file, value)| Piece::new(file, value))
    }

    /// What a piece stands for: itself, or what its reference leads to in the end.
    pub(super) fn resolve(&self, piece: Piece) -> Result<Piece, String> {
        let mut piece = piece;
        for _ in 0..CHAIN_MAX {
            match piece.value.get("$ref").and_then(Value::as_str) {
                Some(reference) => piece = self.target(&piece.file, reference)?,
                None => return Ok(piece),
            }
        }
        Err(format!("{}: references go in a circle", piece.file.display()))
    }

    /// What one reference names: `#/…` in the same file, or `other.yml#/…` beside it.
    pub(super) fn target(&self, file: &Path, reference: &str) -> Result<Piece, String> {
        let (path, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() { file.to_owned() } else { joined(file, path) };
        let found = self.0.get(&file).and_then(|document| document.pointer(pointer));
        found.map(|value| Piece::new(&file, value)).ok_or_else(|| format!("nothing is called {reference} in {}", file.display()))
    }
}

fn read_folder(folder: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Value>) -> Result<(), String> {
    let at = |path: &Path, cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
    for entry in std::fs::read_dir(folder).map_err(|cause| at(folder, &cause))? {
        let entry = entry.map_err(|cause| at(folder, &cause))?;
        let (path, name) = (entry.path(), below.join(entry.file_name()));
        if path.is_dir() {
            read_folder(&path, &name, files)?;
        } else if path.extension().is_some_and(|end| end == "yml" || end == "yaml") {
            let text = std::fs::read_to_string(&path).map_err(|cause| at(&path, &cause))?;
            // As YAML 1.2 has it: `no` is a text, as Norway's country code must be.
            let options = serde_saphyr::options! { strict_booleans: true };
            let value = serde_saphyr::from_str_with_options(&text, options).map_err(|cause| at(&path, &cause))?;
            files.insert(name, value);
        }
    }
    Ok(())
}

/// A path relative to a file, without `.` and `..`.
fn joined(file: &Path, relative: &str) -> PathBuf {
    let mut path = file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    for part in Path::new(relative).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}
