# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own: Debian's binaries, a data directory here, a unix socket."""
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from harness import CACHE, Failure
from proc import Process, Skip

BIN = Path("/usr/lib/postgresql/15/bin")
SHARE = Path("/usr/share/postgresql/15")
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "autovacuum": "off", "max_connections": "20", "shared_buffers": "8MB",
    "max_parallel_workers_per_gather": "0", "jit": "off", "logging_collector": "off", "deadlock_timeout": "200ms",
}


def server_user():
    """initdb refuses root: who runs the server, and the command prefix for it."""
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
            return user, ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
        except KeyError:
            continue
    raise Skip("neither a user postgres nor nobody")


class Session(Process):
    """One psql, so one backend. run() sends statements and waits until they are done."""

    def __init__(self, server):
        super().__init__(["psql", "-XqAt", "-h", server.directory, "-U", server.user.pw_name, "-d", "postgres"],
                         cwd=server.directory)
        self.turn = 0
        self.backend = int(self.run("SELECT pg_backend_pid();")[0])

    def begin(self, statement):
        """Send without waiting; the number to wait for."""
        self.turn += 1
        self.send(f"{statement}\n\\echo turn {self.turn}")
        return self.turn

    def end(self, turn, timeout=30.0):
        if self.out.wait(lambda line: line == f"turn {turn}", timeout) is None:
            raise Failure(f"no answer to statement {turn}: " + "; ".join(self.describe()))
        lines = self.out.lines
        first = lines.index(f"turn {turn - 1}") + 1 if turn > 1 else 0
        return lines[first:lines.index(f"turn {turn}")]

    def run(self, statement):
        return self.end(self.begin(statement))


class Server:
    """Started for one test and stopped by it."""

    def __init__(self, t):
        if not (BIN / "postgres").exists():
            raise Skip("postgresql-15 is not installed", required=True)
        self.t = t
        self.user, self.prefix = server_user()
        self.directory = t.dir / "pg"
        shutil.copytree(self._template(), self.directory)
        subprocess.run(["chown", "-R", f"{self.user.pw_uid}:{self.user.pw_gid}", str(self.directory)], check=True)
        os.chmod(self.directory, 0o700)
        settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
        self.binary = self._own_binary()
        self.process = t.spawn([*self.prefix, self.binary, "-D", self.directory, "-k", self.directory, *settings],
                               cwd=self.directory)
        if not self.process.err.wait(lambda line: "ready to accept connections" in line, 60):
            raise Failure("PostgreSQL does not start: " + "; ".join(self.process.err.lines[-5:]))

    def _own_binary(self):
        """A copy, which no other server of this machine maps. It finds its files from where it lies."""
        root = self.t.dir / "usr"
        own, share = root / BIN.relative_to("/usr"), root / SHARE.relative_to("/usr")
        own.mkdir(parents=True)
        share.parent.mkdir(parents=True)
        share.symlink_to(SHARE)
        (own.parent / "lib").symlink_to(BIN.parent / "lib")
        return shutil.copy(BIN / "postgres", own)

    def _template(self):
        """A data directory made by initdb, kept between tests."""
        template = CACHE / "pgdata"
        if not template.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            fresh = self.t.dir / "pgdata"
            fresh.mkdir()
            os.chown(fresh, self.user.pw_uid, self.user.pw_gid)
            ran = subprocess.run([*self.prefix, str(BIN / "initdb"), "-D", str(fresh), "-A", "trust", "-N", "-U",
                                  self.user.pw_name, "--no-locale", "-E", "UTF8"], capture_output=True, text=True,
                                 cwd=fresh, check=False)
            if ran.returncode:
                raise Failure(f"initdb fails: {ran.stderr[-500:]}")
            part = CACHE / f"pgdata.{os.getpid()}"
            shutil.copytree(fresh, part)
            try:
                os.rename(part, template)
            except OSError:
                shutil.rmtree(part)  # another test was first
        return template

    def pids(self):
        """The postmaster and all that it started."""
        return [self.process.pid, *self.t.children_of(self.process.pid)]

    def session(self):
        session = Session(self)
        self.t.processes.append(session)
        return session

    def pgbench(self, script, protocol, clients=2, times=50, status=0):
        path = self.t.dir / "script.sql"
        path.write_text(script)
        process = self.t.spawn([BIN / "pgbench", "-n", "-M", protocol, "-c", str(clients), "-t", str(times), "-f", path,
                                "-h", self.directory, "-U", self.user.pw_name, "postgres"])
        if process.wait(120) != status:
            raise Failure(f"pgbench does not end with {status}: " + "; ".join(process.err.all()))

    def stop(self):
        """Fast shutdown; the server must end well."""
        self.process.signal(signal.SIGINT)
        return self.process.wait(60)
