//! The private PostgreSQL through `leakage database`, with real processes and real signals.
#![expect(clippy::disallowed_types, reason = "asks the server directly what it is and what it kept")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside the functions that clippy excepts"
)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use sqlx::{Connection, PgConnection};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

const LEAKAGE: &str = env!("CARGO_BIN_EXE_leakage");

/// A data folder that every account can reach, below a short path.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("lf-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A running `leakage database`, stopped when dropped.
struct Running {
    child: Child,
    owner: String,
    service: String,
    superuser: String,
    took: Duration,
    data: PathBuf,
    _stdout: BufReader<ChildStdout>,
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(LEAKAGE);
    command.args(["database", "--data-dir"]).arg(data);
    command
}

impl Running {
    fn start(data: &Path) -> Self {
        Self::spawn(command(data), data)
    }

    fn spawn(mut command: Command, data: &Path) -> Self {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).unwrap() == 0 {
                let mut error = String::new();
                child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
                panic!("ended before it was ready: {error}");
            }
            if line.starts_with("Ready") {
                break;
            }
            lines.push(line.trim_end().split_once(": ").unwrap().1.to_owned());
        }
        let [owner, service, superuser] = lines.try_into().unwrap();
        let took = began.elapsed();
        Self { child, owner, service, superuser, took, data: data.to_owned(), _stdout: stdout }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    fn server(&self) -> Pid {
        let text = fs::read_to_string(self.data.join("postgres/postmaster.pid")).unwrap();
        Pid::from_raw(text.lines().next().unwrap().parse().unwrap())
    }

    /// Sends a signal and waits for the end.
    fn end(mut self, signal: Signal) -> Option<i32> {
        kill(self.pid(), signal).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(self.pid(), Signal::SIGTERM);
            let _ = self.child.wait();
        }
    }
}

/// Waits for a process that is not our child to be gone.
fn gone(pid: Pid) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(10) {
        // A zombie still has an id but no command line.
        if fs::read(format!("/proc/{pid}/cmdline"))
            .map_or_else(|_| kill(pid, None).is_err(), |line| line.is_empty())
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn execute(url: &str, sql: &'static str) {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    });
}

fn text(url: &str, sql: &'static str) -> String {
    block_on(async {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar::<_, String>(sql).fetch_one(&mut connection).await.unwrap()
    })
}

const NOTES: &str = "select coalesce(string_agg(note, ',' order by note), '') from notes";

#[test]
fn a_new_folder_gets_a_durable_cluster_with_two_bound_roles() {
    let folder = folder();
    let running = Running::start(&folder.path().join("data"));
    let setting = |name: &str| {
        let sql: &'static str = match name {
            "fsync" => "select current_setting('fsync')",
            "synchronous_commit" => "select current_setting('synchronous_commit')",
            "data_checksums" => "select current_setting('data_checksums')",
            "server_encoding" => "select current_setting('server_encoding')",
            _ => "select current_setting('listen_addresses')",
        };
        text(&running.owner, sql)
    };
    assert_eq!(setting("fsync"), "on");
    assert_eq!(setting("synchronous_commit"), "on");
    assert_eq!(setting("data_checksums"), "on");
    assert_eq!(setting("server_encoding"), "UTF8");
    assert_eq!(setting("listen_addresses"), "");
    let role = "select concat_ws(' ', rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, \
                (select pg_get_userbyid(datdba) from pg_database where datname = current_database())) \
                from pg_roles where rolname = current_user";
    assert_eq!(text(&running.owner, role), "leakage_owner f f t t leakage_owner");
    assert_eq!(text(&running.service, role), "leakage_app f f f f leakage_owner");
    assert_eq!(running.end(Signal::SIGINT), Some(0));
}

#[test]
fn the_cluster_is_closed_to_others_and_never_roots() {
    let folder = folder();
    let data = folder.path().join("data");
    let running = Running::start(&data);
    let cluster = fs::metadata(data.join("postgres")).unwrap();
    assert_eq!(cluster.mode() & 0o777, 0o700);
    assert_ne!(cluster.uid(), 0);
    let server = fs::metadata(format!("/proc/{}", running.server())).unwrap();
    assert_eq!(server.uid(), cluster.uid());
    for file in ["postgres.log", "postgres.lock"] {
        assert_eq!(fs::metadata(data.join(file)).unwrap().mode() & 0o077, 0, "{file}");
    }
}

#[test]
fn ctrl_c_and_sigterm_stop_both_cleanly_and_a_second_start_is_quick_and_keeps_everything() {
    let folder = folder();
    let first = Running::start(folder.path());
    execute(&first.owner, "create table notes (note text); insert into notes values ('kept')");
    let server = first.server();
    assert_eq!(first.end(Signal::SIGINT), Some(0));
    assert!(kill(server, None).is_err(), "the server is gone when we are");
    let log = fs::read_to_string(folder.path().join("postgres.log")).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");

    let second = Running::start(folder.path());
    assert!(second.took < Duration::from_secs(3), "{:?}", second.took);
    assert_eq!(text(&second.owner, NOTES), "kept");
    assert_eq!(second.end(Signal::SIGTERM), Some(0));
    let log = fs::read_to_string(folder.path().join("postgres.log")).unwrap();
    assert!(!log.contains("recovery in progress"), "{log}");
}

#[test]
fn after_kill_9_of_us_the_server_ends_and_the_next_start_has_all() {
    let folder = folder();
    let first = Running::start(folder.path());
    execute(&first.owner, "create table notes (note text); insert into notes values ('kept')");
    let server = first.server();
    assert_eq!(first.end(Signal::SIGKILL), None);
    // At once, while the old server may still be ending.
    let second = Running::start(folder.path());
    assert_ne!(second.server(), server);
    assert_eq!(text(&second.owner, NOTES), "kept");
    assert!(gone(server));
    assert_eq!(second.end(Signal::SIGTERM), Some(0));

    let third = Running::start(folder.path());
    let server = third.server();
    third.end(Signal::SIGKILL);
    assert!(gone(server), "the server ends although nobody starts again");
}

#[test]
fn after_kill_9_of_the_server_we_say_so_and_the_next_start_recovers() {
    let folder = folder();
    let mut first = Running::start(folder.path());
    execute(&first.owner, "create table notes (note text); insert into notes values ('acknowledged')");
    kill(first.server(), Signal::SIGKILL).unwrap();
    // At once, while children of the killed server hold the folder.
    assert_eq!(first.child.wait().unwrap().code(), Some(1));
    let mut said = String::new();
    first.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("PostgreSQL has ended by itself"), "{said}");
    let second = Running::start(folder.path());
    assert_eq!(text(&second.owner, NOTES), "acknowledged");
    let log = fs::read_to_string(folder.path().join("postgres.log")).unwrap();
    assert!(log.contains("automatic recovery in progress"), "{log}");
}

#[test]
fn after_kill_9_of_both_at_once_the_next_start_recovers() {
    let folder = folder();
    let first = Running::start(folder.path());
    execute(&first.owner, "create table notes (note text); insert into notes values ('acknowledged')");
    // A session that is busy, so that a child of the killed server lives on for a moment.
    let url = first.owner.clone();
    let busy = std::thread::spawn(move || {
        block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let _ = sqlx::raw_sql("select pg_sleep(1)").execute(&mut connection).await;
        });
    });
    std::thread::sleep(Duration::from_millis(200));
    let server = first.server();
    kill(first.pid(), Signal::SIGSTOP).unwrap();
    kill(server, Signal::SIGKILL).unwrap();
    first.end(Signal::SIGKILL);
    let second = Running::start(folder.path());
    assert_eq!(text(&second.owner, NOTES), "acknowledged");
    busy.join().unwrap();
}

#[test]
fn a_second_process_uses_the_server_of_the_first_and_leaves_it_running() {
    let folder = folder();
    let first = Running::start(folder.path());
    let second = Running::start(folder.path());
    assert_eq!(first.server(), second.server());
    assert_eq!(second.owner, first.owner);
    assert_eq!(second.end(Signal::SIGTERM), Some(0));
    assert_eq!(text(&first.owner, "select 'alive'"), "alive");
}

#[test]
fn two_first_starts_at_once_make_one_cluster() {
    let folder = folder();
    let path = folder.path().to_owned();
    let other = std::thread::spawn(move || Running::start(&path));
    let one = Running::start(folder.path());
    let other = other.join().unwrap();
    assert_eq!(one.server(), other.server());
}

#[test]
fn a_half_made_cluster_is_made_anew() {
    let folder = folder();
    fs::create_dir(folder.path().join("postgres.new")).unwrap();
    fs::write(folder.path().join("postgres.new/PG_VERSION"), "15\n").unwrap();
    let running = Running::start(folder.path());
    assert_eq!(text(&running.owner, "select 'whole'"), "whole");
    assert!(!folder.path().join("postgres.new").exists());
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = folder();
    fs::create_dir(folder.path().join("postgres")).unwrap();
    fs::write(folder.path().join("postgres/thesis.txt"), "years of work").unwrap();
    let output = command(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("holds no PostgreSQL cluster"), "{}", said(&output));
    assert_eq!(fs::read_to_string(folder.path().join("postgres/thesis.txt")).unwrap(), "years of work");
}

#[test]
fn a_cluster_of_another_major_version_is_not_started() {
    let folder = folder();
    drop(Running::start(folder.path()));
    fs::write(folder.path().join("postgres/PG_VERSION"), "9.6\n").unwrap();
    let output = command(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("made by PostgreSQL 9.6"), "{}", said(&output));
}

#[test]
fn a_broken_configuration_is_told_and_not_tried_again_for_a_minute() {
    let folder = folder();
    drop(Running::start(folder.path()));
    fs::write(folder.path().join("postgres/postgresql.auto.conf"), "no_such_setting = 1\n").unwrap();
    let began = Instant::now();
    let output = command(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no_such_setting"), "{}", said(&output));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_long_or_strange_path_gets_a_short_socket() {
    let folder = folder();
    let data = folder.path().join("a \"b\", ü").join("x".repeat(120)).join("data");
    let running = Running::start(&data);
    assert_eq!(text(&running.service, "select 'reached'"), "reached");
    let socket = text(&running.superuser, "select current_setting('unix_socket_directories')");
    let socket = socket.trim_matches('"');
    assert!(socket.starts_with("/tmp/leakage-"), "{socket}");
    assert_eq!(fs::metadata(socket).unwrap().mode() & 0o777, 0o700);
    drop(running);
    assert!(!Path::new(socket).exists(), "nothing is left behind");
    let strange = folder.path().join("a \"b\", ü");
    let running = Running::start(&strange);
    assert_eq!(text(&running.service, "select 'reached'"), "reached");
    assert!(strange.join("postgres").exists());
}

#[test]
fn a_command_runs_beside_the_server_and_gives_its_exit_code() {
    let folder = folder();
    let output =
        command(folder.path()).args(["--", "sh", "-c", "echo $PGUSER@$PGDATABASE; exit 7"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", said(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "postgres@leakage");
    assert!(!folder.path().join("postgres/postmaster.pid").exists(), "stopped afterwards");
}

#[test]
fn a_dump_can_be_restored_into_a_new_folder() {
    let folder = folder();
    let old = folder.path().join("old");
    let dump = folder.path().join("backup.dump");
    let dump = dump.to_str().unwrap();
    let running = Running::start(&old);
    execute(
        &running.owner,
        "create table notes (note text); alter table notes enable row level security; \
         alter table notes force row level security; create policy p on notes using (false) with check (true); \
         insert into notes values ('hidden from all but a backup')",
    );
    drop(running);
    let output = command(&old).args(["--", "pg_dump", "-Fc", "-f", dump]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let new = folder.path().join("new");
    let output =
        command(&new).args(["--", "pg_restore", "-d", "leakage", "--exit-on-error", dump]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let running = Running::start(&new);
    assert_eq!(text(&running.superuser, NOTES), "hidden from all but a backup");
    assert_eq!(text(&running.owner, NOTES), "", "row-level security came along");
}

#[test]
fn without_being_root_it_runs_as_ourselves() {
    if !geteuid().is_root() {
        // Every other test here has already done so.
        return;
    }
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let folder = folder();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    chown(&data, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    // The target folder may be closed to that account: it gets a copy.
    let copy = folder.path().join("leakage");
    fs::copy(LEAKAGE, &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args(["database", "--data-dir"]).arg(&data).current_dir("/");
    command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
    let running = Running::spawn(command, &data);
    assert_eq!(text(&running.owner, "select 'reached'"), "reached");
    assert_eq!(fs::metadata(format!("/proc/{}", running.server())).unwrap().uid(), nobody.uid.as_raw());
    let server = running.server();
    running.end(Signal::SIGKILL);
    assert!(gone(server));

    // And root afterwards hands it to whom it belongs.
    let running = Running::start(&data);
    assert_eq!(fs::metadata(format!("/proc/{}", running.server())).unwrap().uid(), nobody.uid.as_raw());
}

#[test]
fn a_closed_parent_folder_is_named() {
    if !geteuid().is_root() {
        return;
    }
    let folder = folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let output = command(&closed.join("data")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains(&format!("cannot enter {}.", closed.display())), "{said}");
    assert!(said.contains("LEAKAGE_DATA_DIR"), "{said}");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
