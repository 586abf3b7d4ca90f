//! What librdkafka asks while a connection is secured: for a token, and whether a certificate may pass.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::slice;

use rdkafka_sys as sys;
use rdkafka_sys::RDKafkaRespErr;

use super::callbacks::context;
use super::native::{c_string, text};
use super::trouble::certificate_fault;
use crate::oauth::{Token, Tokens};

/// Gives librdkafka a token, or the reason why there is none.
///
/// Called on librdkafka's background thread, which may wait.
pub(super) unsafe extern "C" fn on_token_wanted(
    rk: *mut sys::rd_kafka_t,
    _config: *const c_char,
    opaque: *mut c_void,
) {
    // SAFETY: librdkafka passes a living client and its opaque pointer.
    unsafe {
        let Some(tokens) = context(opaque).and_then(|context| context.tokens.as_ref()) else {
            return;
        };
        let given = tokens.get().and_then(|token| give(rk, &token, tokens));
        if let Err(reason) = given {
            let reason = c_string(&reason.replace('\0', " "));
            sys::rd_kafka_oauthbearer_set_token_failure(rk, reason.as_ptr());
        }
    }
}

/// # Safety
/// The client lives.
unsafe fn give(rk: *mut sys::rd_kafka_t, token: &Token, tokens: &Tokens) -> Result<(), String> {
    let value = c_string(token.value.reveal());
    let principal = c_string(&token.principal);
    let extensions: Vec<CString> = tokens
        .extensions()
        .iter()
        .flat_map(|(name, value)| [c_string(name), c_string(value)])
        .collect();
    let mut pointers: Vec<*const c_char> = extensions.iter().map(|text| text.as_ptr()).collect();
    let mut complaint: [c_char; 512] = [0; 512];
    // SAFETY: the caller vouches for the client; all texts live until the call is over, which copies them.
    let given = unsafe {
        sys::rd_kafka_oauthbearer_set_token(
            rk,
            value.as_ptr(),
            token.expires_at_ms,
            principal.as_ptr(),
            pointers.as_mut_ptr(),
            pointers.len(),
            complaint.as_mut_ptr(),
            complaint.len(),
        )
    };
    if given == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        Ok(())
    } else {
        Err(text(complaint.as_ptr()))
    }
}

/// Lets OpenSSL's judgement of a certificate stand, and notes what it was: librdkafka's own message says only
/// that there was one.
pub(super) unsafe extern "C" fn on_certificate(
    _rk: *mut sys::rd_kafka_t,
    _broker: *const c_char,
    _broker_id: i32,
    error: *mut c_int,
    depth: c_int,
    der: *const c_char,
    der_bytes: usize,
    complaint: *mut c_char,
    complaint_bytes: usize,
    opaque: *mut c_void,
) -> c_int {
    // SAFETY: librdkafka passes a place with OpenSSL's verdict, and its opaque pointer.
    let (code, context) = unsafe { (*error, context(opaque)) };
    if code == 0 {
        if let Some(context) = context
            && depth == 0
        {
            context.note_certificate(None);
        }
        return 1;
    }
    let der = if der.is_null() {
        &[]
    } else {
        // SAFETY: librdkafka passes the certificate and its length.
        unsafe { slice::from_raw_parts(der.cast::<u8>(), der_bytes) }
    };
    let (subject, issuer) = match p12_keystore::Certificate::from_der(der) {
        Ok(certificate) => (
            certificate.subject().to_owned(),
            certificate.issuer().to_owned(),
        ),
        Err(_) => (String::new(), String::new()),
    };
    let fault = certificate_fault(code, &subject, &issuer);
    let line = c_string(&fault);
    let bytes = line.as_bytes_with_nul();
    if bytes.len() <= complaint_bytes {
        // SAFETY: librdkafka passes a buffer of this length.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), complaint, bytes.len()) };
    }
    if let Some(context) = context {
        context.note_certificate(Some(fault));
    }
    0
}
