//! PEM as Java's clients read it: blocks anywhere in a text, and blanks of no meaning, for a value in a
//! properties file is often one long line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// `CERTIFICATE`, say.
    pub(super) label: String,
    pub(super) der: Vec<u8>,
}

const DASHES: &str = "-----";
const LINE: usize = 64;

/// The blocks of a text, in their order. What is around them is left out.
///
/// # Errors
/// A block that is not closed, is no Base64, or is encrypted in the old way. Never any of the text.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, after) = begun
            .split_once(DASHES)
            .ok_or("has a PEM block whose first line is broken")?;
        let (body, after) = after
            .split_once(&format!("-----END {label}{DASHES}"))
            .ok_or_else(|| "has a PEM block without its last line, -----END …-----".to_owned())?;
        if body.contains("Proc-Type:") {
            return Err(format!(
                "has a {label} that is encrypted in OpenSSL's old form (Proc-Type), which is not supported; openssl pkcs8 -topk8 \
                 writes it anew"
            ));
        }
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = STANDARD
            .decode(body)
            .map_err(|_| "has a PEM block that is no Base64".to_owned())?;
        blocks.push(Block {
            label: label.to_owned(),
            der,
        });
        rest = after;
    }
    Ok(blocks)
}

/// A block with lines of the usual length.
pub(super) fn write(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let body = STANDARD.encode(der);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_however_they_are_laid_out() {
        let check = |text: &str, expect: &str| {
            let got = match blocks(text) {
                Ok(blocks) => blocks
                    .iter()
                    .map(|block| format!("{}:{}", block.label, String::from_utf8_lossy(&block.der)))
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(message) => message,
            };
            assert_eq!(got, expect, "{text}");
        };
        check("", "");
        check("nothing of the sort", "");
        check("-----BEGIN A-----\nYWJj\n-----END A-----\n", "A:abc");
        check(
            "Bag Attributes\n-----BEGIN A-----YW Jj-----END A----- -----BEGIN B C-----\r\nZGVm\r\n-----END B C-----",
            "A:abc B C:def",
        );
        check(
            "-----BEGIN A-----\nYWJj",
            "has a PEM block without its last line, -----END …-----",
        );
        check(
            "-----BEGIN A-----\n!!!!\n-----END A-----",
            "has a PEM block that is no Base64",
        );
        check("-----BEGIN A", "has a PEM block whose first line is broken");
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nYWJj\n-----END RSA PRIVATE KEY-----",
            "has a RSA PRIVATE KEY that is encrypted in OpenSSL's old form (Proc-Type), which is not supported; openssl pkcs8 \
             -topk8 writes it anew",
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let der: Vec<u8> = (0..=255).collect();
        let text = write("X", &der);
        assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
        assert!(
            blocks(&text).expect("it is PEM")
                == [Block {
                    label: "X".to_owned(),
                    der
                }]
        );
    }
}
