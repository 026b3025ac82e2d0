//! How wide text is, near enough. The reader's font is not known, so widths are those of Helvetica with some room.

/// Text of `size` pixels in pixels.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let em: f64 = text.chars().map(letter).sum();
    em * size * if bold { 1.12 } else { 1.05 }
}

/// Source: the advance widths of Helvetica, by groups.
fn letter(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 0.24,
        ' ' | '.' | ',' | ':' | ';' | '!' | 'f' | 't' | 'I' | '/' | '\\' | '[' | ']' | '·' => 0.3,
        '(' | ')' | 'r' | '-' | '`' | '"' | '*' => 0.36,
        'm' | 'M' | 'W' | '%' => 0.86,
        'w' | 'C' | 'D' | 'G' | 'H' | 'N' | 'O' | 'Q' | 'R' | 'U' => 0.74,
        'A'..='Z' | '&' | '+' | '<' | '>' | '=' | '~' => 0.67,
        // The last are scripts of wide letters.
        '→' | '@' | '\u{2e80}'.. => 1.0,
        _ => 0.556,
    }
}

/// Text cut to at most `most` pixels.
pub(super) fn cut(text: &str, most: f64, size: f64, bold: bool) -> String {
    if width(text, size, bold) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if width(&short, size, bold) + size > most {
            short.pop();
            break;
        }
    }
    short + "…"
}

/// Parts put on lines of at most `most` pixels; a part that is longer is cut.
pub(super) fn fill(parts: &[String], between: &str, most: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let part = cut(part, most, size, false);
        match lines.last_mut() {
            Some(line)
                if width(line, size, false) + width(between, size, false) + width(&part, size, false)
                    <= most =>
            {
                line.push_str(between);
                line.push_str(&part);
            }
            _ => lines.push(part),
        }
    }
    lines
}
