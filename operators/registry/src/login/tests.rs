use super::Key;

#[test]
fn a_login_depends_on_the_key_and_on_the_uid_and_on_nothing_else() {
    let key = Key::of(&[7; 32]).unwrap();
    let login = key.login("u1");
    assert_eq!(login.password, key.login("u1").password);
    assert_ne!(login.password, key.login("u2").password);
    assert_ne!(login.password, Key::of(&[8; 32]).unwrap().login("u1").password);
    assert_ne!(login.password, login.session_key);
    assert!(!login.password.contains(&login.fingerprint));
    assert_eq!(login.password.len(), 64);
}

#[test]
fn derivation_is_hmac_sha256() {
    // printf 'password\0u1' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    let login = Key::of(&[b'k'; 32]).unwrap().login("u1");
    assert_eq!(login.password, "6df4d771159050038b1907f3ff3a07ef8f85d84e8d533ad11b604d8981308259");
}

#[test]
fn a_mounted_login_is_known_by_the_fingerprint_its_pod_makes() {
    // fingerprint("login", "millrace", PASSWORD) of `children/given.py`, with the derived key.
    let login = Key::of(b"0123456789abcdef0123456789abcdef").unwrap().login("u1");
    assert_eq!(login.mounted(), "f0e5da896b6c3374");
}

#[test]
fn short_keys_are_refused_and_nothing_is_shown() {
    assert!(Key::of(b"short").unwrap_err().contains("at least 32"));
    let key = Key::of(&[b'k'; 32]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(***)");
    assert!(!format!("{:?}", key.login("u")).contains(&key.login("u").password));
}
