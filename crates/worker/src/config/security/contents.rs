//! What stores of keys and certificates hold, whatever their format.

/// What a store holds.
#[derive(Default)]
pub(super) struct Entries {
    /// Certificates to trust.
    pub(super) trusted: Vec<Vec<u8>>,
    /// Keys with their certificates.
    pub(super) chains: Vec<Chain>,
}

/// A key and its certificates, its own first.
pub(super) struct Chain {
    /// PKCS#8, or why it cannot be had.
    pub(super) key: Result<Vec<u8>, String>,
    pub(super) certificates: Vec<Vec<u8>>,
}
