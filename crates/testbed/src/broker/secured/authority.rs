//! A certificate authority of a test's own.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

/// An authority, made anew.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key.
pub struct Certified {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Its private key, PKCS#8 in PEM.
    pub key_pem: String,
    /// Its private key, PKCS#8 in DER.
    pub key_der: Vec<u8>,
}

impl Certified {
    /// Key and certificate in one text, as a PEM key store is.
    #[must_use]
    pub fn store(&self) -> String {
        format!("{}{}", self.key_pem, self.certificate_pem)
    }
}

impl Authority {
    /// An authority of this name.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("its own key").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server's certificate for these names and addresses.
    ///
    /// # Panics
    /// Where one is neither a name nor an address.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Certified {
        self.certify("broker", names, ExtendedKeyUsagePurpose::ServerAuth, false)
    }

    /// The same, expired in the year 2001.
    ///
    /// # Panics
    /// As [`server`](Self::server).
    #[must_use]
    pub fn expired_server(&self, names: &[&str]) -> Certified {
        self.certify(
            "old-broker",
            names,
            ExtendedKeyUsagePurpose::ServerAuth,
            true,
        )
    }

    /// A client's certificate.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    #[must_use]
    pub fn client(&self, name: &str) -> Certified {
        self.certify(name, &[], ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    fn certify(
        &self,
        name: &str,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
        expired: bool,
    ) -> Certified {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names or addresses");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages.push(usage);
        if expired {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let certificate = params.signed_by(&key, &self.issuer).expect("our own key");
        Certified {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key_pem: key.serialize_pem(),
            key_der: key.serialize_der(),
        }
    }
}
