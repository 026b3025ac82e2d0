//! Whether bytes are all zero: asked of megabytes of every device that seems to be blank.

/// Sixteen bytes at a time, without a call for each: looking would take longer than reading otherwise.
pub fn all_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_anywhere_is_seen() {
        let mut bytes = vec![0; 70];
        assert!(all_zero(&bytes) && all_zero(&[]));
        for at in 0..bytes.len() {
            bytes[at] = 0x80;
            assert!(!all_zero(&bytes), "{at}");
            bytes[at] = 0;
        }
    }
}
