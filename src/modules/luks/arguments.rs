//! Arguments that are checked when they are decoded. What is wrong with a passphrase is said without the passphrase.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::devices::checked_text;
use crate::secret::Secret;
use crate::tools::cryptsetup::{Hardening, LONGEST};

checked_text!(
    /// A name below `/dev/mapper`.
    MapName,
    |text| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || "+_.-".contains(letter);
        let good = !text.is_empty() && text.len() < 128 && text.chars().all(known);
        if good && !text.starts_with(['-', '.']) && text != "control" {
            Ok(())
        } else {
            Err(format!("`{text}` is no name of a mapping: letters, digits and `+_.-`"))
        }
    }
);
checked_text!(
    /// A key file.
    KeyFile,
    |text| {
        let clean = text.starts_with('/')
            && !text.split('/').any(|part| matches!(part, "." | ".."))
            && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '#');
        if clean {
            Ok(())
        } else {
            Err(format!("`{text}` is no key file: an absolute path without `..` and blanks"))
        }
    }
);
checked_text!(
    /// A cipher with its mode.
    Cipher,
    |text| word(text, "cipher, such as `aes-xts-plain64`")
);
checked_text!(
    /// A hash.
    Hash,
    |text| word(text, "hash, such as `sha256`")
);
checked_text!(
    /// The label of a container.
    Label,
    |text| {
        if text.is_empty() || text.len() > 47 || text.contains(|letter: char| letter.is_control()) {
            Err(format!("`{text}` is no label: 1 to 47 bytes"))
        } else {
            Ok(())
        }
    }
);
checked_text!(
    /// The UUID of a container.
    Uuid,
    |text| {
        let good = text.len() == 36
            && text.char_indices().all(|(at, letter)| match at {
                8 | 13 | 18 | 23 => letter == '-',
                _ => letter.is_ascii_hexdigit(),
            });
        if good { Ok(()) } else { Err(format!("`{text}` is no UUID")) }
    }
);
checked_text!(
    /// Options of crypttab.
    Options,
    |text| {
        let blank = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '#';
        if text.contains(blank) {
            return Err(format!("`{text}` are no options of crypttab: words with commas between them"));
        }
        let own = ["discard", "same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue", "no-write-workqueue"];
        match text.split(',').find(|word| own.contains(word)) {
            Some(word) => Err(format!("`{word}` follows from `allow_discards` and `perf_*`; say it there")),
            None => Ok(()),
        }
    }
);
checked_text!(
    /// How a key is made hard to guess.
    Algorithm,
    |text| match text {
        "argon2id" | "argon2i" | "pbkdf2" => Ok(()),
        _ => Err(format!("`{text}` is none of argon2id, argon2i and pbkdf2")),
    }
);

fn word(text: &str, what: &str) -> Result<(), String> {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "-_:.()".contains(letter);
    let good = !text.is_empty() && !text.starts_with('-') && text.chars().all(known);
    if good { Ok(()) } else { Err(format!("`{text}` is no {what}")) }
}

/// How a key is made hard to guess.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pbkdf {
    /// `argon2id`, `argon2i` or `pbkdf2`.
    algorithm: Option<Algorithm>,
    /// How many rounds, instead of a time.
    iteration_count: Option<u64>,
    /// How many seconds trying one key takes on this host.
    iteration_time: Option<f64>,
    /// KiB, for argon2.
    memory: Option<u64>,
    /// Threads, for argon2.
    parallel: Option<u64>,
}

impl Pbkdf {
    pub(super) fn hardening(&self) -> Hardening {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "milliseconds; what is out of bounds is cut, and cryptsetup has bounds of its own"
        )]
        let milliseconds = self.iteration_time.map(|seconds| (seconds * 1000.0).round() as u64);
        Hardening {
            algorithm: self.algorithm.as_ref().map(|algorithm| algorithm.to_string()),
            iterations: self.iteration_count,
            milliseconds,
            memory: self.memory,
            threads: self.parallel,
        }
    }
}

/// A passphrase, as a person could type it.
pub(super) fn passphrase<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    let Some(secret) = Option::<Secret>::deserialize(from)? else { return Ok(None) };
    let text = secret.reveal();
    let wrong = if text.is_empty() {
        Some("a passphrase is empty".to_owned())
    } else if text.len() > LONGEST {
        Some(format!("a passphrase has {} bytes, and {LONGEST} are possible; use a key file", text.len()))
    } else if text.contains(['\n', '\r', '\0']) {
        Some("a passphrase has more than one line; use a key file".to_owned())
    } else {
        None
    };
    wrong.map_or(Ok(Some(secret)), |wrong| Err(serde::de::Error::custom(wrong)))
}
