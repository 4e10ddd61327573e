use super::canonical;

#[test]
fn as_the_api_server_writes_them() {
    let pairs = [
        ("100m", "100m"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("2", "2"),
        ("2000", "2k"),
        ("512Mi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1Gi", "1Gi"),
        ("1000M", "1G"),
        ("0", "0"),
        ("1500Mi", "1500Mi"),
        ("1048576Ki", "1Gi"),
    ];
    for (given, want) in pairs {
        assert_eq!(canonical(given).unwrap().0, want, "{given}");
    }
    for bad in ["", "Mi", "1X", "-1", "1e3"] {
        assert_eq!(canonical(bad), None, "{bad}");
    }
}
