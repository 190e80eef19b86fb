//! What each pattern finds, and what looks like it and is none.

use std::sync::LazyLock;

use super::*;

static SCANNER: LazyLock<SecretScanner> =
    LazyLock::new(|| SecretScanner::new(&SecretPatterns::shipped().unwrap(), None).unwrap());

fn found(text: &str) -> Vec<(String, String)> {
    let found = SCANNER.find(text.as_bytes());
    found.into_iter().map(|secret| (secret.name, text[secret.place].to_owned())).collect()
}

/// Letters and digits as if drawn at random, the same each time.
fn drawn(length: usize) -> String {
    const SIGNS: &[u8] = b"Zq7Rk2WvXp9LmT4bNc8HdY3sFg6JtQ5wEzBr1nVxKuGaMiPoSyDhClUfAjOe0I";
    (0..length).map(|at| char::from(SIGNS[(at * 23 + at / 62 * 5) % SIGNS.len()])).collect()
}

fn key_block(lines: usize) -> String {
    let body: String = (0..lines).map(|_| format!("{}\n", drawn(64))).collect();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----")
}

/// For each pattern a text with a secret, and the secret.
fn secrets() -> Vec<(&'static str, String, String)> {
    let whole = |name, secret: String| (name, secret.clone(), secret);
    let within =
        |name, before: &str, secret: String, after: &str| (name, format!("{before}{secret}{after}"), secret);
    let base32 = drawn(40).to_uppercase().replace(['0', '1', '8', '9'], "K");
    vec![
        whole("private_key", key_block(13)),
        whole("private_key", key_block(3).replace(" RSA", " OPENSSH")),
        whole("private_key", key_block(3).replace(" RSA", "").replace("\n", "\\n")),
        whole("aws_access_key", format!("AKIA{}", &base32[..16])),
        whole("aws_access_key", format!("ASIA{}", &base32[4..20])),
        within("aws_secret_key", "aws_secret_access_key = ", drawn(40), "\n"),
        within(
            "aws_secret_key",
            r#"\"SecretAccessKey\": \""#,
            format!("{}/+{}", drawn(20), drawn(18)),
            r#"\""#,
        ),
        within("azure_storage_key", "AccountName=a;AccountKey=", format!("{}==", drawn(86)), ";Endpoint"),
        within(
            "azure_shared_access_key",
            "SharedAccessKeyName=x;SharedAccessKey=",
            format!("{}=", drawn(43)),
            "",
        ),
        whole("azure_client_secret", format!("abc8Q~{}", drawn(34))),
        whole("gcp_api_key", format!("AIza{}", drawn(35))),
        whole("gcp_oauth_secret", format!("GOCSPX-{}", drawn(28))),
        whole("github_token", format!("ghp_{}", drawn(36))),
        whole("github_token", format!("ghs_{}", drawn(36))),
        whole("github_token", format!("github_pat_{}_{}", drawn(22), drawn(59))),
        whole("gitlab_token", format!("glpat-{}", drawn(20))),
        whole("slack_token", format!("xoxb-2150934876-7450921348-{}", drawn(24))),
        whole("slack_token", format!("xapp-1-A05{}-7450921348213-{}", "BCDEFG7", drawn(64))),
        within(
            "slack_webhook",
            "https://hooks.slack.com/services/",
            format!("T04QX7ZK2/B05MW8RT3/{}", drawn(24)),
            "",
        ),
        whole("stripe_key", format!("sk_live_{}", drawn(24))),
        whole("stripe_key", format!("rk_live_{}", drawn(99))),
        whole("stripe_webhook_secret", format!("whsec_{}", drawn(32))),
        whole("anthropic_key", format!("sk-ant-api03-{}AA", drawn(93))),
        whole("openai_key", format!("sk-proj-{}", drawn(120))),
        whole("openai_key", format!("sk-{}T3BlbkFJ{}", drawn(20), drawn(20))),
        within("openai_key", "", format!("sk-{}", drawn(48)), ""),
        whole("jwt", format!("eyJ{}.eyJ{}.{}", drawn(33), drawn(80), drawn(43))),
        whole("npm_token", format!("npm_{}", drawn(36))),
        whole("pypi_token", format!("pypi-AgEIcHlwaS5vcmc{}", drawn(140))),
        whole("crates_token", format!("cio{}", drawn(32))),
        whole("huggingface_token", format!("hf_{}", drawn(34))),
        whole("sendgrid_key", format!("SG.{}.{}", drawn(22), drawn(43))),
        whole("docker_token", format!("dckr_pat_{}", drawn(27))),
        whole("digitalocean_token", format!("dop_v1_{}", "3f9a1c7e5b2d8064".repeat(4))),
        whole("vault_token", format!("hvs.{}", drawn(90))),
        within("database_url", "postgres://app:", "Tr0ub4dor-3".into(), "@db.internal:5432/app"),
        within("database_url", "mongodb+srv://root:", "p4s5w0rdX9".into(), "@cluster0.mongodb.net"),
        within("database_url", r"redis:\/\/:", "q8Zk2Wv9Xp".into(), r"@cache:6379\/0"),
        within("password", "password = \"", "kX9#vQ2!mZ7p".into(), "\""),
        within("password", "const API_KEY: &str = \"", drawn(24), "\";"),
        within("password", r#"{"client_secret":""#, drawn(32), r#"","x":1}"#),
        within("password", r#"\"dbPassword\": \""#, "S0mmer-Regen-8x".into(), r#"\","#),
        within("password", "auth_token: '", drawn(20), "'"),
        within("password", "SESSION_SECRET=", drawn(32), "\nPORT=1"),
        within("password", r"export DB_PASSWORD=", "hG7kQ2wZ9pLm".into(), r"\nPORT=1"),
    ]
}

#[test]
fn every_pattern_finds_its_secret_and_nothing_around_it() {
    let mut seen = BTreeSet::new();
    for (name, text, secret) in secrets() {
        for (before, after) in
            [("", ""), ("a: ", " b"), ("line\n", "\nline"), ("line\\n", "\\nline"), ("(", ")")]
        {
            let text = format!("{before}{text}{after}");
            assert_eq!(found(&text), [(name.to_owned(), secret.clone())], "{text}");
        }
        seen.insert(name);
    }
    let shipped = SecretPatterns::shipped().unwrap();
    assert_eq!(seen, shipped.names(), "every pattern has an example");
}

#[test]
fn near_misses_are_none() {
    let harmless = [
        // Examples of documentation.
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c".to_owned(),
        // Placeholders.
        "sk-ant-api03-XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX".to_owned(),
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_owned(),
        "ghp_your_token_here".to_owned(),
        "postgres://user:password@localhost/db".to_owned(),
        "postgres://postgres:postgres@localhost/db".to_owned(),
        "postgres://app:${DB_PASSWORD}@db/app".to_owned(),
        "postgres://app:<password>@db/app".to_owned(),
        "postgres://localhost:5432/app".to_owned(),
        "mysql://app@db.internal/app".to_owned(),
        "password = \"changeme123\"".to_owned(),
        "password = \"your-password-1\"".to_owned(),
        "password: \"${{ secrets.DB_PASSWORD_2 }}\"".to_owned(),
        "API_KEY=${API_KEY:-none12345}".to_owned(),
        "API_KEY=$(cat /run/api_key_1)".to_owned(),
        // References, names and prose.
        "password = os.environ[\"DB_PASSWORD_2\"]".to_owned(),
        "const token = process.env.TOKEN_A1B2C3;".to_owned(),
        "let token: &str = \"user_token_v2\";".to_owned(),
        "secret_name = \"prod-db-credentials-2024\"".to_owned(),
        "password = \"correct horse battery 9\"".to_owned(),
        "password = \"short1A\"".to_owned(),
        "tokens = \"aaaaaaaaaa1111111111\"".to_owned(),
        "\"max_tokens\": 4096, \"token\": \"assistant_message\"".to_owned(),
        "api_key_env = \"OPENAI_API_KEY\"".to_owned(),
        "The secret: \"it compiles\"".to_owned(),
        "TOKEN_COUNT=12".to_owned(),
        // Other things of the same letters.
        format!("sk_test_{}", drawn(24)),
        format!("pk_live_{}", drawn(24)),
        format!("xAKIA{}", "QRSTUVWXYZ234567"),
        format!("AKIA{}", "QRSTUVWXYZ23456789"),
        format!("task-{}", drawn(48)),
        format!("precio{}", drawn(32)),
        format!("npm_config_{}", drawn(20)),
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----".to_owned(),
        "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END CERTIFICATE-----".to_owned(),
        "if text.startswith(\"-----BEGIN RSA PRIVATE KEY-----\"):".to_owned(),
        "sha256:3f9a1c7e5b2d80643f9a1c7e5b2d80643f9a1c7e5b2d80643f9a1c7e5b2d8064".to_owned(),
        "commit 3f9a1c7e5b2d80643f9a1c7e5b2d80643f9a1c7e".to_owned(),
        "[redacted:github_token] password = \"[redacted:password]\"".to_owned(),
    ];
    for text in harmless {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn a_key_block_ends_where_it_ends() {
    let cut = key_block(4).replace("-----END RSA PRIVATE KEY-----", "");
    let text = format!("{{\"a\":\"{}\",\"b\":\"-----END RSA PRIVATE KEY-----\"}}", cut.replace('\n', "\\n"));
    let [(name, secret)] = &found(&text)[..] else { panic!("{text}") };
    assert_eq!(name, "private_key");
    assert!(!secret.contains('"') && secret.contains(&drawn(64)), "{secret}");
    let two = format!("{}\n\n{}", key_block(3), key_block(3));
    assert_eq!(found(&two).len(), 2);
    let parts = format!("{}\r\n--boundary\r\n\r\n{}", cut.trim_end(), "-----END RSA PRIVATE KEY-----");
    assert!(found(&parts)[0].1.ends_with(&drawn(64)));
}

#[test]
fn a_secret_is_told_by_its_form_before_its_name() {
    let token = format!("ghp_{}", drawn(36));
    for text in ["TOKEN={}\n", "github_token: '{}'", "password = \"user:{}\"", "{}"] {
        let text = text.replace("{}", &token);
        assert_eq!(found(&text), [("github_token".to_owned(), token.clone())], "{text}");
    }
}

#[test]
fn only_what_is_named_is_looked_for() {
    let shipped = SecretPatterns::shipped().unwrap();
    let scanner = SecretScanner::new(&shipped, Some(&["github_token"].into())).unwrap();
    let text = format!("ghp_{} password = \"kX9#vQ2!mZ7p\"", drawn(36));
    let names: Vec<_> = scanner.find(text.as_bytes()).into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["github_token"]);
}

#[test]
fn the_patterns_have_a_date_and_names_fit_for_reasons() {
    let shipped = SecretPatterns::shipped().unwrap();
    assert_eq!(shipped.as_of.split('-').map(str::len).collect::<Vec<_>>(), [4, 2, 2]);
    for pattern in &shipped.patterns {
        let code = pattern.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(code && pattern.version > 0 && !pattern.keywords.is_empty(), "{pattern:?}");
        assert_ne!(pattern.name, crate::content::ALL);
    }
    assert!(shipped.placeholders.iter().all(|text| *text == text.to_lowercase()));
}
