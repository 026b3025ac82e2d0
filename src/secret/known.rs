//! The strings nobody may read, and how they are taken out of other strings.

use std::sync::{Arc, PoisonError, RwLock};

use super::MASK;

/// Shorter secrets are taken out only where they stand alone, or every second word would be masked.
const SHORT: usize = 4;

/// A shared, growing set of secret strings. Clones are the same set.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    // Longest first, so that a secret within another does not leave the rest of it standing.
    known: Arc<RwLock<Vec<String>>>,
}

impl Secrets {
    /// Adds a secret. Its lines are secrets too, because output is shown by the line, and so is it as a shell quotes it.
    pub fn add(&self, secret: &str) {
        let quoted = shlex::try_quote(secret).map(std::borrow::Cow::into_owned).unwrap_or_default();
        let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORT).map(str::to_owned);
        let forms: Vec<String> = lines.chain([secret.to_owned(), quoted]).collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|one| one == secret) {
            return;
        }
        known.extend(forms.into_iter().filter(|form| !form.trim().is_empty()));
        known.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        known.dedup();
    }

    pub fn is_empty(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// `text` without any secret.
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.mask_in(&mut text);
        text
    }

    pub(crate) fn mask_in(&self, text: &mut String) {
        for secret in self.known.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if text.contains(secret.as_str()) {
                *text = if secret.len() < SHORT {
                    replace_alone(text, secret)
                } else {
                    text.replace(secret, MASK)
                };
            }
        }
    }

    /// As for text; bytes that are no text are searched all the same.
    pub(crate) fn mask_bytes(&self, bytes: &mut Vec<u8>) {
        for secret in self.known.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let secret = secret.as_bytes();
            let mut from = 0;
            while let Some(at) = find(&bytes[from..], secret) {
                let start = from + at;
                let end = start + secret.len();
                if secret.len() < SHORT && !alone(bytes, start, end) {
                    from = end;
                    continue;
                }
                bytes.splice(start..end, MASK.bytes());
                from = start + MASK.len();
            }
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Secrets {
    fn from_iter<I: IntoIterator<Item = S>>(secrets: I) -> Self {
        let all = Self::default();
        secrets.into_iter().for_each(|secret| all.add(secret.as_ref()));
        all
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let word = |at: Option<&u8>| at.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    !word(start.checked_sub(1).and_then(|before| bytes.get(before))) && !word(bytes.get(end))
}

fn replace_alone(text: &str, secret: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in text.match_indices(secret) {
        if alone(text.as_bytes(), at, at + found.len()) {
            out.push_str(&text[from..at]);
            out.push_str(MASK);
            from = at + found.len();
        }
    }
    out.push_str(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_out_the_longest_first_and_the_shortest_only_alone() {
        let secrets: Secrets = ["hunter2", "hunter2 and more", "ok"].into_iter().collect();
        assert_eq!(secrets.mask("say hunter2 and more, hunter2, ok; token"), "say ***, ***, ***; token");
        let mut bytes = b"\xffhunter2\0broken ok".to_vec();
        secrets.mask_bytes(&mut bytes);
        assert_eq!(bytes, b"\xff***\0broken ***");
    }

    #[test]
    fn knows_a_secret_by_its_lines_and_as_a_shell_quotes_it() {
        let secrets: Secrets = ["it's $HOME\n-----KEY-----\n"].into_iter().collect();
        assert_eq!(secrets.mask("| -----KEY-----"), "| ***");
        let secrets: Secrets = ["a'b$c"].into_iter().collect();
        let quoted = shlex::try_quote("a'b$c").unwrap();
        assert_eq!(secrets.mask(&format!("mount -o {quoted}")), "mount -o ***");
    }
}
