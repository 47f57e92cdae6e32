//! The master keys that secrets are sealed under.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use orderbridge_postgres::Keyring;
use secrecy::{ExposeSecret, SecretString};

/// The keyring of these settings: the text itself, or else a file that holds it.
///
/// # Errors
/// What is wrong and what to do; never a key.
pub fn keyring(text: Option<&SecretString>, file: Option<&Path>) -> Result<Keyring, String> {
    let text = match (text, file) {
        (Some(_), Some(_)) => return Err("keys and keys_file are both set: leave one of them out".into()),
        (Some(text), None) => text.clone(),
        (None, Some(file)) => from_file(file)?,
        (None, None) => {
            return Err("no master key: set keys_file, keys or ORDERBRIDGE__KEYS (`orderbridge keys generate` makes one)".into());
        }
    };
    Keyring::parse(text.expose_secret()).map_err(|error| error.to_string())
}

/// One `id:base64` per line, newest first. Blank lines and lines that begin with `#` do not count.
fn from_file(file: &Path) -> Result<SecretString, String> {
    let unreadable = |error: std::io::Error| format!("keys_file {} cannot be read: {error}", file.display());
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode();
    // A group may read it, as secrets mounted into containers are; nobody else may, and only the owner writes.
    if mode & 0o037 != 0 {
        return Err(format!("keys_file {} is open to others (mode {:o}): chmod 600 {}", file.display(), mode & 0o777, file.display()));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(|line| line.trim_end_matches(',')).collect::<Vec<_>>().join(",").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let [newer, older] = ["k2", "k1"].map(|id| Keyring::generate(id).unwrap());
        std::fs::write(&file, format!("# newest first\n{}\n\n{}\n", newer.expose_secret(), older.expose_secret())).unwrap();
        let set = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        for (mode, fine) in [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o620, false), (0o604, false)] {
            set(mode);
            assert_eq!(keyring(None, Some(&file)).is_ok(), fine, "{mode:o}");
        }
        set(0o600);
        assert_eq!(keyring(None, Some(&file)).unwrap().newest(), "k2");
        assert!(keyring(Some(&newer), Some(&file)).unwrap_err().contains("both"));
        assert!(keyring(None, None).unwrap_err().contains("keys generate"));
    }

    #[test]
    fn a_bad_key_is_not_repeated() {
        let error = keyring(Some(&"k1:veryprivate".to_owned().into()), None).unwrap_err();
        assert!(!error.contains("veryprivate"), "{error}");
    }
}
