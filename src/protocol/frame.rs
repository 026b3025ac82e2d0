//! A message as bytes: its length in four bytes, little end first, then postcard.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// The largest message: bigger files are not carried in one piece.
pub const LIMIT: usize = 64 << 20;

/// Why bytes were no frame.
#[derive(Debug, thiserror::Error)]
pub enum BadFrame {
    #[error("a message of {0} bytes is larger than {LIMIT} bytes")]
    TooLarge(usize),
    #[error("the message could not be read: {0}")]
    Malformed(#[from] postcard::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The bytes of a message, length first.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, BadFrame> {
    let mut bytes = postcard::to_extend(message, vec![0; 4])?;
    let length = bytes.len() - 4;
    match u32::try_from(length) {
        Ok(short) if length <= LIMIT => bytes[..4].copy_from_slice(&short.to_le_bytes()),
        _ => return Err(BadFrame::TooLarge(length)),
    }
    Ok(bytes)
}

/// How many bytes follow the four that say so.
pub fn length(head: [u8; 4]) -> Result<usize, BadFrame> {
    let length = u32::from_le_bytes(head) as usize;
    if length > LIMIT { Err(BadFrame::TooLarge(length)) } else { Ok(length) }
}

/// The message in a frame's body.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, BadFrame> {
    Ok(postcard::from_bytes(body)?)
}

/// Reads one message; `None` at a clean end of the stream.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, BadFrame> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let length = length(head)?;
    let mut body = Vec::with_capacity(length.min(1 << 20));
    if stream.take(length as u64).read_to_end(&mut body)? < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    decode(&body).map(Some)
}

/// Writes one message and flushes.
pub fn write<T: Serialize>(stream: &mut impl Write, message: &T) -> Result<(), BadFrame> {
    stream.write_all(&encode(message)?)?;
    stream.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Answer, Ask};
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn comes_back_as_it_went() {
        let ask = Ask::Lock { path: "/run/lock/x".into(), holder: "me".into() };
        let bytes = encode(&ask).unwrap();
        let mut stream = bytes.as_slice();
        assert_eq!(read::<Ask>(&mut stream).unwrap(), Some(ask));
        assert!(read::<Ask>(&mut stream).unwrap().is_none());
    }

    #[test]
    fn a_cut_message_is_an_error() {
        let bytes = encode(&Answer::Held { holder: "somebody".into() }).unwrap();
        assert!(read::<Answer>(&mut &bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn refuses_a_huge_length() {
        assert!(matches!(read::<Ask>(&mut [0xff; 8].as_slice()), Err(BadFrame::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read::<Ask>(&mut bytes.as_slice());
            let _ = decode::<Answer>(&bytes);
        }

        #[test]
        fn any_text_survives(holder in ".*") {
            let answer = Answer::Held { holder };
            prop_assert_eq!(decode::<Answer>(&encode(&answer).unwrap()[4..]).unwrap(), answer);
        }
    }
}
