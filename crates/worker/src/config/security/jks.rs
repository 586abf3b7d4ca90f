//! Java's own key store format, JKS: read, never written.
//!
//! The format is that of `sun.security.provider.JavaKeyStore`, the encryption of its keys that of
//! `sun.security.provider.KeyProtector`. Both rest on SHA-1, which is why `keytool` warns of them.

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode as _, Reader as _, SliceReader};
use pkcs8::spki::AlgorithmIdentifierRef;
use sha1::{Digest as _, Sha1};

use super::contents::{Chain, Entries};

/// The first four bytes of a JKS file.
pub(super) const MAGIC: [u8; 4] = [0xFE, 0xED, 0xFE, 0xED];
/// The first four bytes of a JCEKS file, which has secret keys too.
pub(super) const MAGIC_JCEKS: [u8; 4] = [0xCE, 0xCE, 0xCE, 0xCE];

const KEY_ENTRY: u32 = 1;
const TRUSTED_ENTRY: u32 = 2;
const DIGEST_BYTES: usize = 20;
/// `KeyProtector`'s algorithm.
const PROTECTOR: &str = "1.3.6.1.4.1.42.2.17.1.1";

/// Reads a store. Without a password its integrity is not checked, as in Java.
///
/// # Errors
/// What is wrong, without any content.
pub(super) fn read(
    bytes: &[u8],
    password: Option<&str>,
    key_password: Option<&str>,
) -> Result<Entries, String> {
    let broken = || "is cut off or damaged".to_owned();
    let end = bytes.len().checked_sub(DIGEST_BYTES).ok_or_else(broken)?;
    let (content, digest) = bytes.split_at(end);
    if let Some(password) = password {
        let mut sum = Sha1::new();
        sum.update(utf16(password));
        sum.update(b"Mighty Aphrodite");
        sum.update(content);
        if sum.finalize()[..] != *digest {
            return Err("is not opened by this password, or is damaged".to_owned());
        }
    }
    let mut input = Input(content.get(MAGIC.len()..).ok_or_else(broken)?);
    let version = input.number().ok_or_else(broken)?;
    if !matches!(version, 1 | 2) {
        return Err(format!("has version {version}, known are 1 and 2"));
    }
    let mut entries = Entries::default();
    for _ in 0..input.number().ok_or_else(broken)? {
        let kind = input.number().ok_or_else(broken)?;
        // Alias, and when it was made.
        input.short().ok_or_else(broken)?;
        input.take(8).ok_or_else(broken)?;
        match kind {
            KEY_ENTRY => {
                let protected = input.long().ok_or_else(broken)?;
                let certificates: Option<Vec<_>> = (0..input.number().ok_or_else(broken)?)
                    .map(|_| input.certificate(version))
                    .collect();
                // Java asks for the key of an entry with the key's password, else the store's.
                let opened = key_password
                    .or(password)
                    .ok_or("needs ssl.key.password")
                    .map_err(str::to_owned)
                    .and_then(|password| unprotect(protected, password));
                entries.chains.push(Chain {
                    key: opened,
                    certificates: certificates.ok_or_else(broken)?,
                });
            }
            TRUSTED_ENTRY => {
                let certificate = input.certificate(version).ok_or_else(broken)?;
                entries.trusted.push(certificate);
            }
            _ => return Err(broken()),
        }
    }
    Ok(entries)
}

/// Java hashes passwords as UTF-16.
fn utf16(password: &str) -> Vec<u8> {
    password.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The key within its protection, as PKCS#8.
fn unprotect(protected: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let broken = "has a key that is damaged";
    let (algorithm, data) = protected_parts(protected).ok_or(broken)?;
    if algorithm != PROTECTOR {
        return Err(format!(
            "has a key that is protected by {algorithm}, which is not known"
        ));
    }
    let (salt, rest) = data.split_at_checked(DIGEST_BYTES).ok_or(broken)?;
    let end = rest.len().checked_sub(DIGEST_BYTES).ok_or(broken)?;
    let (hidden, check) = rest.split_at(end);
    let password = utf16(password);
    let mut mask = salt.to_vec();
    let mut key = Vec::with_capacity(hidden.len());
    for block in hidden.chunks(DIGEST_BYTES) {
        let mut sum = Sha1::new();
        sum.update(&password);
        sum.update(&mask);
        mask = sum.finalize().to_vec();
        key.extend(block.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
    }
    let mut sum = Sha1::new();
    sum.update(&password);
    sum.update(&key);
    if sum.finalize()[..] == *check {
        Ok(key)
    } else {
        Err("has a key that is not opened by this password: set ssl.key.password".to_owned())
    }
}

/// Algorithm and data of an `EncryptedPrivateKeyInfo`.
fn protected_parts(der: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut reader = SliceReader::new(der).ok()?;
    let parts = reader.sequence(|inner| {
        let algorithm = AlgorithmIdentifierRef::decode(inner)?;
        let data = <&OctetStringRef>::decode(inner)?;
        Ok((algorithm.oid.to_string(), data.as_bytes().to_vec()))
    });
    parts.map_err(|_: pkcs8::der::Error| ()).ok()
}

/// What is left to read, in the notation of `java.io.DataInput`.
struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    fn take(&mut self, count: usize) -> Option<&'i [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    }

    /// Bytes after a length of two bytes.
    fn short(&mut self) -> Option<&'i [u8]> {
        let length = self.take(2)?.try_into().ok()?;
        self.take(u16::from_be_bytes(length).into())
    }

    /// Bytes after a length of four bytes.
    fn long(&mut self) -> Option<&'i [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn certificate(&mut self, version: u32) -> Option<Vec<u8>> {
        if version == 2 {
            // Its type, which is always X.509.
            self.short()?;
        }
        Some(self.long()?.to_vec())
    }
}
