use super::*;

#[test]
fn what_was_committed_outlives_a_kill() {
    let postgres = Postgres::start();
    let url = postgres.create_database("ledger");
    assert!(url.ends_with("/ledger"), "{url}");
    postgres.sql("ledger", "CREATE TABLE leaves (n int); INSERT INTO leaves VALUES (1), (2)");
    for _ in 0..3 {
        postgres.kill();
        assert!(postgres.try_sql("ledger", "SELECT 1").is_err());
        postgres.restart();
        assert_eq!(postgres.sql("ledger", "SELECT count(*), 'x' FROM leaves"), "2|x");
    }
    postgres.stop();
    postgres.restart();
    postgres.restart();
    assert_eq!(postgres.sql("ledger", "SHOW fsync"), "on");
    assert!(postgres.log().contains("database system is ready"));
    assert!(postgres.try_sql("ledger", "SELECT nothing").unwrap_err().contains("nothing"));
}

#[test]
fn a_server_that_stands_still_answers_once_it_goes_on() {
    let postgres = Postgres::start();
    postgres.pause();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| postgres.sql("postgres", "SELECT 7"));
        postgres.resume();
        assert_eq!(asked.join().unwrap(), "7");
    });
    postgres.pause();
    postgres.kill();
}

#[test]
fn nothing_is_left_behind() {
    let memory = || String::from_utf8(Command::new("ipcs").arg("-m").output().unwrap().stdout).unwrap();
    for end in [|_: &Postgres| {}, Postgres::kill, Postgres::stop, Postgres::pause] {
        let postgres = Postgres::start();
        let (folder, port) = (postgres.data_dir(), postgres.port());
        let segment = std::fs::read_to_string(folder.join("postmaster.pid")).unwrap();
        let segment =
            segment.lines().nth(6).and_then(|line| line.split_whitespace().last()).unwrap().to_owned();
        let is_kept = || memory().lines().any(|line| line.split_whitespace().nth(1) == Some(&segment));
        assert!(is_kept(), "{segment}: {}", memory());
        end(&postgres);
        drop(postgres);
        assert!(!folder.parent().unwrap().exists());
        assert!(std::net::TcpListener::bind(("127.0.0.1", port)).is_ok());
        assert!(!is_kept(), "{segment}: {}", memory());
    }
}

#[test]
fn tests_share_one_server_and_have_databases_of_their_own() {
    let (one, other) = (Postgres::shared(), Postgres::shared());
    assert_eq!(one.port(), other.port());
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            scope.spawn(move || {
                Postgres::shared().create_database(name);
                Postgres::shared().sql(name, "CREATE TABLE mine (n int)");
            });
        }
    });
}
