"""The command runs as it would without gxt: real processes, pipes, ptys and signals.

A driver process calls `run_command` and writes down what came of it, because signals and terminals belong to
a whole process. Every wait is for an event (a line, an end of file), bounded by `WAIT_S`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from gxt.capture.process import Ended
from gxt.capture.signals import signals_caught

Json: TypeAlias = dict[str, Any]
WAIT_S = 20.0
WAKE_UP_PIPE = ("readable", "writable")  # a process makes it once and keeps it

DRIVER = """
import fcntl, json, os, signal, sys, termios
from gxt.capture.process import exit_like, run_command

report, options, *argv = sys.argv[1:]
if "terminal" in options:
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
if "ignore-hup" in options:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
lines, started, calls = [], [], 0

def on_lines(stream, taken, at_us):
    global calls
    for line in taken:
        calls += 1
        if "full" in options and calls == 2:
            raise OSError(28, "No space left on device")
        if "count" not in options:
            lines.append([stream, line.decode("latin-1"), at_us])

handlers = {s: signal.getsignal(s) for s in signal.Signals}
if "twice" in options:
    run_command(argv, extra_env={}, on_lines=on_lines, on_started=started.append)
ended = run_command(argv, extra_env={"GXT_RUN": "uid-1"}, on_lines=on_lines, on_started=started.append)
facts = ended._asdict() | {"lines": lines, "calls": calls, "started": len(started)}
facts["handlers_changed"] = sorted(s.name for s in signal.Signals if signal.getsignal(s) != handlers[s])
facts["descriptors"] = sum(int(fd) > 2 for fd in os.listdir("/dev/fd")) - 1
try:
    facts["children"] = os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    facts["children"] = None
with open(report, "w") as file:
    json.dump(facts, file)
if "exit-like" in options:
    exit_like(ended)
"""


@pytest.fixture
def driver(tmp_path: Path) -> Callable[..., list[str]]:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)

    def command(*argv: str, options: str = "-") -> list[str]:
        return [sys.executable, str(script), str(tmp_path / "report.json"), options, *argv]

    return command


def report(tmp_path: Path) -> Json:
    facts: Json = json.loads((tmp_path / "report.json").read_text())
    return facts


def lines(facts: Json) -> list[tuple[int, str]]:
    return [(stream, line) for stream, line, _ in facts["lines"]]


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


def finished(command: Sequence[str], cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, capture_output=True, check=False, timeout=WAIT_S, stdin=subprocess.DEVNULL, cwd=cwd
    )


def ready(descriptor: int) -> None:
    """Wait until there is something to read."""
    assert select.select([descriptor], [], [], WAIT_S)[0], "nothing came"


def read_until(descriptor: int, ending: bytes) -> bytes:
    """What can be read up to and with `ending`."""
    data = b""
    while not data.endswith(ending):
        ready(descriptor)
        try:
            more = os.read(descriptor, 65536)
        except OSError:  # the other side of a pty is closed
            more = b""
        assert more, f"ended after {data!r}"
        data += more
    return data


def read_to_end(descriptor: int) -> bytes:
    data = b""
    while True:
        ready(descriptor)
        more = b""
        with contextlib.suppress(OSError):
            more = os.read(descriptor, 65536)
        if not more:
            return data
        data += more


class Driven:
    """A driver whose output is read here while it runs."""

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.out = self.process.stdout.fileno()

    def end(self) -> int:
        return self.process.wait(WAIT_S)


@contextlib.contextmanager
def driven(command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> Iterator[Driven]:
    run = Driven(command, pass_fds=pass_fds)
    with run.process:
        try:
            yield run
        finally:
            if run.process.poll() is None:
                run.process.kill()


# ----------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("script", "code", "interrupted"),
    [
        ("exit 0", 0, False),
        ("exit 3", 3, False),
        ("exit 130", 130, False),
        ("kill -9 $$", -9, True),
        ("kill -TERM $$", -15, True),
        ("kill -INT $$", -2, True),
        ("kill -SEGV $$", -11, False),
    ],
)
def test_the_command_s_end_is_ours(
    driver: Callable[..., list[str]], tmp_path: Path, script: str, code: int, interrupted: bool
) -> None:
    done = finished(driver("sh", "-c", script, options="exit-like"), cwd=tmp_path)
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"], facts["error"]) == (code, interrupted, "")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")
    assert 0 <= facts["duration_s"] < 60
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("core")] == []


@pytest.mark.parametrize(
    ("name", "code", "error"),
    [
        ("no-such-command-here", 127, "command not found: no-such-command-here"),
        ("./missing", 127, "command not found: ./missing"),
        ("./plain", 126, "permission denied: ./plain"),
        ("./lost", 126, "bad interpreter: ./lost"),
        ("./plain/below", 126, "not a directory: ./plain/below"),
    ],
)
def test_a_command_that_cannot_be_started_says_what_a_shell_would(
    driver: Callable[..., list[str]], tmp_path: Path, name: str, code: int, error: str
) -> None:
    (tmp_path / "plain").write_text("echo hi\n")
    (tmp_path / "lost").write_text("#!/no/such/interpreter\n")
    (tmp_path / "lost").chmod(0o755)
    done = finished(driver(name, options="exit-like"), cwd=tmp_path)
    facts = report(tmp_path)
    assert (facts["returncode"], facts["error"], facts["interrupted"]) == (code, error, False)
    assert (facts["started"], facts["lines"], facts["children"]) == (0, [], None)
    assert facts["descriptors"] == len(WAKE_UP_PIPE)
    assert done.returncode == code


def test_a_script_without_an_interpreter_line_is_for_sh(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    (tmp_path / "train").write_text('echo "hi $1"\n')
    (tmp_path / "train").chmod(0o755)
    assert finished(driver("./train", "there"), cwd=tmp_path).stdout == b"hi there\n"


def test_nothing_of_ours_is_left_behind(driver: Callable[..., list[str]], tmp_path: Path) -> None:
    """No process, no handler that does anything, and of descriptors one pipe, however often we run."""
    finished(driver("true", options="twice"))
    facts = report(tmp_path)
    assert (facts["started"], facts["children"], facts["descriptors"]) == (2, None, len(WAKE_UP_PIPE))
    assert facts["handlers_changed"] == ["SIGCHLD", "SIGCONT", "SIGWINCH"]


def test_a_signal_that_another_thread_took_late_still_finds_the_pipe_open() -> None:
    with signals_caught(lambda *_: None) as readable:
        writable = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    os.write(writable, b"\x11")
    assert os.read(readable, 9) == b"\x11"


# -------------------------------------------------------------------------------------------------- streams


def test_the_two_streams_stay_apart_and_every_byte_passes(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    code = (
        "import os; os.write(1, b'out\\xff\\x00\\r\\n'); os.write(2, b'err\\n');"
        "os.write(1, b'10%\\r20%\\r30%\\nno newline'); os.write(2, b'\\xc3(')"
    )
    done = finished(driver(*python(code)))
    assert (done.stdout, done.stderr) == (b"out\xff\x00\r\n10%\r20%\r30%\nno newline", b"err\n\xc3(")
    recorded = lines(report(tmp_path))
    assert [line for stream, line in recorded if stream == 1] == ["out\xff\x00", "30%", "no newline"]
    assert [line for stream, line in recorded if stream == 2] == ["err", "\xc3("]


def test_twenty_megabytes_pass_intact(driver: Callable[..., list[str]], tmp_path: Path) -> None:
    code = "import os\nfor i in range(20):\n for j in range(16384): os.write(1, b'%02d %061d\\n' % (i, j))"
    done = finished(driver(*python(code), options="count"))
    expected = b"".join(b"%02d %061d\n" % (i, j) for i in range(20) for j in range(16384))
    assert len(expected) > 20_000_000
    assert done.stdout == expected
    assert report(tmp_path)["calls"] == 20 * 16384


def test_one_file_for_both_streams_keeps_their_order(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    code = "import os\nfor i in range(200):\n os.write(1 + i % 2, b'%d\\n' % i)"
    with (tmp_path / "log").open("wb") as log:
        subprocess.run(driver(*python(code)), stdout=log, stderr=log, check=True, timeout=WAIT_S)
    expected = [str(i) for i in range(200)]
    assert (tmp_path / "log").read_text().split() == expected
    assert lines(report(tmp_path)) == [(1, line) for line in expected]


def test_the_command_sees_our_directory_our_environment_and_our_descriptors(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    readable, writable = os.pipe()
    code = (
        "import json, os, sys; print(json.dumps([os.getcwd(), {k: v for k, v in os.environ.items()},"
        f"os.read({readable}, 99).decode(), sys.stdin.read(), [os.isatty(fd) for fd in (0, 1, 2)]]))"
    )
    os.write(writable, b"given")
    environment = {"PATH": os.environ["PATH"], "ODD": "a\udcff", "LC_CTYPE": "C.UTF-8"}
    done = subprocess.run(
        driver(*python(code)),
        input=b"typed",
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env=environment,
        pass_fds=[readable],
        timeout=WAIT_S,
    )
    os.close(readable)
    os.close(writable)
    expected = [str(tmp_path), environment | {"GXT_RUN": "uid-1"}, "given", "typed", [False] * 3]
    assert json.loads(done.stdout) == expected


def test_a_full_disk_stops_the_record_and_nothing_else(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    done = finished(driver("sh", "-c", "echo one; echo two; echo three; echo four >&2", options="full"))
    facts = report(tmp_path)
    assert (done.stdout, done.stderr) == (b"one\ntwo\nthree\n", b"four\n")
    assert (facts["returncode"], facts["calls"]) == (0, 2)
    assert facts["log_error"] == "[Errno 28] No space left on device"


def test_a_reader_that_leaves_ends_the_command_as_without_us(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    with driven(driver("yes")) as run:
        ready(run.out)
        assert run.process.stdout is not None
        run.process.stdout.close()
        run.end()
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (-signal.SIGPIPE, False)


def test_a_grandchild_that_keeps_the_output_open_does_not_hold_us(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    readable, writable = os.pipe()
    began_s = time.monotonic()
    # `read` waits for the test to close its end: the grandchild lives until then, holding stdout.
    with driven(driver("sh", "-c", f"(read x </dev/fd/{readable}) & echo done"), pass_fds=[readable]) as run:
        run.end()
        assert time.monotonic() - began_s < 5
        os.close(writable)
    os.close(readable)
    facts = report(tmp_path)
    assert (facts["returncode"], lines(facts)) == (0, [(1, "done")])


def test_a_grandchild_that_never_stops_writing_does_not_hold_us_and_goes_on_until_nobody_reads(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    alive, alive_ = os.pipe()
    with driven(driver("sh", "-c", "yes & echo $$", options="count"), pass_fds=[alive_]) as run:
        os.close(alive_)
        collected = bytearray()
        while run.process.poll() is None:
            ready(run.out)
            collected += os.read(run.out, 65536)
        assert report(tmp_path)["returncode"] == 0
        more = os.read(run.out, 65536)
        assert set(more.split(b"\n")) <= {b"y", b""}
        assert more
        assert select.select([alive], [], [], 0)[0] == []  # it lives
        assert run.process.stdout is not None
        run.process.stdout.close()
        assert read_to_end(alive) == b""  # of SIGPIPE, as without us
    os.close(alive)


def test_what_the_background_writes_after_the_end_is_passed_on_but_not_recorded(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    (wait, go), script = os.pipe(), "(read x </dev/fd/%d; echo late; echo err >&2) & echo now"
    with driven(driver("sh", "-c", script % wait), pass_fds=[wait]) as run:
        os.close(wait)
        run.end()
        os.close(go)
        assert read_to_end(run.out) == b"now\nlate\n"
        assert run.process.stderr is not None
        assert read_to_end(run.process.stderr.fileno()) == b"err\n"
    facts = report(tmp_path)
    assert (facts["returncode"], lines(facts)) == (0, [(1, "now")])


def test_what_a_dead_command_wrote_waits_for_a_slow_reader(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    size = 120_000  # more than a pipe holds: the rest is still in the command's pipe when it is dead
    code = f"import os; os.write(2, b'going\\n'); os.write(1, b'x' * {size}); os.write(2, b'gone\\n')"
    with driven(driver(*python(code))) as run:
        time.sleep(0.5)  # a reader that takes longer than GRACE_S: the delay is the point
        assert read_to_end(run.out) == b"x" * size
        run.end()


# -------------------------------------------------------------------------------------------------- signals

TOLD = """
import os, signal, sys, time
def told(number, frame):
    print("told", number)
    sys.exit(int(sys.argv[1]))
for each in sys.argv[2:]:
    signal.signal(int(each), told)
print("ready")
while True:
    time.sleep(0.01)  # not pause(): that sleeps on when the signal came just before it
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("code", [0, 7])
def test_a_signal_to_stop_reaches_the_command(
    driver: Callable[..., list[str]], tmp_path: Path, signum: int, code: int
) -> None:
    with driven(driver(*python(TOLD), str(code), str(int(signum)))) as run:
        read_until(run.out, b"ready\n")
        run.process.send_signal(signum)
        assert read_to_end(run.out) == b"told %d\n" % signum
        run.end()
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (code, code != 0)


def test_a_command_without_a_handler_dies_of_the_signal_and_so_do_we(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    code = "import time\nprint('ready')\nwhile True: time.sleep(0.01)"
    with driven(driver(*python(code), options="exit-like")) as run:
        read_until(run.out, b"ready\n")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == -signal.SIGINT
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (-signal.SIGINT, True)
    assert facts["lines"][-1][:2] == [2, "KeyboardInterrupt"]


@pytest.mark.parametrize("signum", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT])
def test_other_signals_are_passed_on_too(
    driver: Callable[..., list[str]], tmp_path: Path, signum: int
) -> None:
    with driven(driver(*python(TOLD), "7", str(int(signum)))) as run:
        read_until(run.out, b"ready\n")
        run.process.send_signal(signum)
        assert read_to_end(run.out) == b"told %d\n" % signum
        run.end()
    assert report(tmp_path)["interrupted"] is False


def test_the_whole_group_of_the_command_is_told(driver: Callable[..., list[str]], tmp_path: Path) -> None:
    readable, writable = os.pipe()
    with driven(driver("sh", "-c", "sleep 60 & echo ready; wait"), pass_fds=[writable]) as run:
        os.close(writable)
        read_until(run.out, b"ready\n")
        run.process.send_signal(signal.SIGTERM)
        assert read_to_end(readable) == b""  # nobody holds it any more: the worker has ended too
        run.end()
    os.close(readable)
    assert report(tmp_path)["returncode"] == -signal.SIGTERM


def test_a_second_interrupt_within_two_seconds_kills(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, lambda *_: print('no'))\n"
        "import time\nprint('ready')\nwhile True: time.sleep(0.01)"
    )
    with driven(driver(*python(code))) as run:
        read_until(run.out, b"ready\n")
        run.process.send_signal(signal.SIGINT)
        read_until(run.out, b"no\n")
        run.process.send_signal(signal.SIGINT)
        run.end()
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (-signal.SIGKILL, True)


def test_a_signal_that_our_starter_ignores_stays_ignored(
    driver: Callable[..., list[str]], tmp_path: Path
) -> None:
    code = (
        "import signal; print(signal.getsignal(1).name, signal.getsignal(15).name, signal.getsignal(13).name)"
    )
    assert finished(driver(*python(code), options="ignore-hup")).stdout == b"SIG_IGN SIG_DFL SIG_IGN\n"
    assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN  # Python's own, in the command as here


def test_when_we_are_killed_the_command_is_told(driver: Callable[..., list[str]]) -> None:
    readable, writable = os.pipe()
    code = (
        "import os, signal, time\n"
        f"signal.signal(15, lambda *_: (os.write({writable}, b'told'), os._exit(0)))\n"
        "print('ready')\nwhile True: time.sleep(0.01)"
    )
    with driven(driver(*python(code)), pass_fds=[writable]) as run:
        os.close(writable)
        read_until(run.out, b"ready\n")
        run.process.kill()
        assert read_to_end(readable) == b"told"
    os.close(readable)


# ------------------------------------------------------------------------------------------------- terminals


class Terminal:
    """A terminal with a driver on it; we are the person in front."""

    def __init__(self, rows: int = 33, columns: int = 77) -> None:
        self.screen, self.inside = os.openpty()
        self.resize(rows, columns)
        self.found = self.attributes()
        self.closed = False

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self.inside)

    @contextlib.contextmanager
    def running(
        self,
        command: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            command,
            stdin=self.inside if stdin is None else stdin,
            stdout=self.inside if stdout is None else stdout,
            stderr=self.inside,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def type(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def close(self) -> None:
        if not self.closed:
            os.close(self.screen)
            os.close(self.inside)
        self.closed = True


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


SEEN = """
import fcntl, os, struct, sys, termios
size = struct.unpack("HHHH", fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8)))[:2]
print([os.isatty(fd) for fd in (0, 1, 2)], size)
print(os.tcgetpgrp(0) == os.getpid(), os.ttyname(0) == os.ttyname(2))
os.close(os.open("/dev/tty", os.O_RDWR))
print("err", file=sys.stderr)
"""


def test_on_a_terminal_the_command_has_a_terminal_of_the_same_size(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    with terminal.running(driver(*python(SEEN), options="terminal")) as process:
        screen = read_until(terminal.screen, b"err\r\n")
        assert process.wait(WAIT_S) == 0
    assert screen == b"[True, True, True] (33, 77)\r\nTrue True\r\nerr\r\n"
    facts = report(tmp_path)
    assert (lines(facts), facts["returncode"]) == (
        [(1, "[True, True, True] (33, 77)"), (1, "True True"), (1, "err")],
        0,
    )
    assert terminal.attributes() == terminal.found


def test_a_question_is_answered_and_a_password_is_not_shown(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = (
        "import getpass, sys\n"
        "print('hello', input('name? '))\nprint(len(getpass.getpass('secret? ')))\n"
        "print('rest?')\nprint([sys.stdin.read()])"
    )
    with terminal.running(driver(*python(code), options="terminal")) as process:
        assert read_until(terminal.screen, b"name? ") == b"name? "
        terminal.type(b"Ada\r")
        assert read_until(terminal.screen, b"secret? ") == b"Ada\r\nhello Ada\r\nsecret? "
        terminal.type(b"hunter2\r")
        assert read_until(terminal.screen, b"rest?\r\n") == b"\r\n7\r\nrest?\r\n"
        terminal.type(b"more\r\x04")
        read_until(terminal.screen, b"['more\\n']\r\n")
        assert process.wait(WAIT_S) == 0
    recorded = [line for _, line in lines(report(tmp_path))]
    assert recorded == ["name? Ada", "hello Ada", "secret? ", "7", "rest?", "more", "['more\\n']"]
    assert terminal.attributes() == terminal.found


def test_ctrl_c_typed_is_a_keyboard_interrupt_in_the_command(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = (
        "import time\ntry:\n print('ready')\n while True: time.sleep(0.01)\n"
        "except KeyboardInterrupt:\n print('caught')\n exit(130)"
    )
    with terminal.running(driver(*python(code), options="terminal exit-like")) as process:
        read_until(terminal.screen, b"ready\r\n")
        terminal.type(b"\x03")
        assert read_until(terminal.screen, b"caught\r\n") == b"^Ccaught\r\n"
        assert process.wait(WAIT_S) == 130
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (130, True)
    assert terminal.attributes() == terminal.found


def test_a_new_window_size_reaches_the_command(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGWINCH, lambda *_: (print(os.get_terminal_size()), sys.exit()))\n"
        "print('ready')\nwhile True: time.sleep(0.01)"
    )
    with terminal.running(driver(*python(code), options="terminal")) as process:
        read_until(terminal.screen, b"ready\r\n")
        terminal.resize(50, 120)
        read_until(terminal.screen, b"os.terminal_size(columns=120, lines=50)\r\n")
        assert process.wait(WAIT_S) == 0


def test_only_what_is_a_terminal_becomes_one(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = "import os, sys; print([os.isatty(fd) for fd in (0, 1, 2)]); print('progress', file=sys.stderr)"
    command = driver(*python(code), options="terminal")
    with terminal.running(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert read_until(terminal.screen, b"progress\r\n") == b"progress\r\n"
        out, _ = process.communicate(timeout=WAIT_S)
    assert out == b"[False, False, True]\n"
    assert sorted(lines(report(tmp_path))) == [(1, "[False, False, True]"), (2, "progress")]
    assert terminal.attributes() == terminal.found


def test_a_command_can_ask_while_its_output_is_in_a_pipe(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stdin.readline())"
    with terminal.running(driver(*python(code), options="terminal"), stdout=subprocess.PIPE) as process:
        terminal.type(b"yes\n")
        out, _ = process.communicate(timeout=WAIT_S)
    assert out == b"True False yes\n\n"
    assert terminal.attributes() == terminal.found


def test_a_pager_behind_us_keeps_its_keys(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    single_keys = terminal.attributes()
    single_keys[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(terminal.inside, termios.TCSANOW, single_keys)
    paged = terminal.attributes()
    command = driver(*python("print('ready'); input()"), options="terminal")
    with terminal.running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        read_until(process.stdout.fileno(), b"ready\n")
        assert terminal.attributes() == paged
        terminal.type(b"q")
        assert os.read(terminal.inside, 1) == b"q"
        process.terminate()
        assert process.wait(WAIT_S) == 0
    assert report(tmp_path)["interrupted"] is True


def test_the_terminal_is_as_it_was_after_a_death_by_signal(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    with terminal.running(driver("sh", "-c", "echo ready; read x", options="terminal")) as process:
        read_until(terminal.screen, b"ready\r\n")
        assert terminal.attributes() != terminal.found
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
    assert report(tmp_path)["returncode"] == -signal.SIGTERM
    assert terminal.attributes() == terminal.found


def test_a_terminal_that_is_closed_ends_the_command_and_us(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    with terminal.running(driver("sh", "-c", "echo ready; read x", options="terminal")) as process:
        read_until(terminal.screen, b"ready\r\n")
        terminal.close()
        assert process.wait(WAIT_S) == 0
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (-signal.SIGHUP, True)


SHELL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
job = os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
_, status = os.waitpid(job, os.WUNTRACED)
os.tcsetpgrp(0, os.getpgrp())
raw = not termios.tcgetattr(0)[3] & termios.ICANON
os.write(1, b"stopped %d raw %d\\n" % (os.WIFSTOPPED(status), raw))
os.read(0, 1)
os.tcsetpgrp(0, job)
os.killpg(job, signal.SIGCONT)
_, status = os.waitpid(job, 0)
os.tcsetpgrp(0, os.getpgrp())
os._exit(os.waitstatus_to_exitcode(status))
"""


def test_ctrl_z_stops_the_job_and_gives_the_terminal_back_until_it_continues(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    code = "print('ready')\nprint('got', input())"
    job = driver(*python(code), options="-")
    with terminal.running([sys.executable, "-c", SHELL, *job]) as shell:
        read_until(terminal.screen, b"ready\r\n")
        terminal.type(b"\x1a")
        assert read_until(terminal.screen, b"\r\n") == b"^Zstopped 1 raw 0\r\n"
        assert terminal.attributes() == terminal.found
        terminal.type(b"\n")  # fg
        read_until(terminal.screen, b"\r\n")
        terminal.type(b"on\r")
        read_until(terminal.screen, b"got on\r\n")
        assert shell.wait(WAIT_S) == 0
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (0, False)
    assert terminal.attributes() == terminal.found


def test_a_stopped_job_whose_terminal_is_closed_ends(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    readable, writable = os.pipe()
    job = driver("sh", "-c", "echo ready; read x")
    with terminal.running([sys.executable, "-c", SHELL, *job], pass_fds=[writable]):
        os.close(writable)
        read_until(terminal.screen, b"ready\r\n")
        terminal.type(b"\x1a")
        read_until(terminal.screen, b"stopped 1 raw 0\r\n")
        terminal.close()
        assert read_to_end(readable) == b""  # nobody holds it any more: all have ended
    os.close(readable)
    facts = report(tmp_path)
    assert (facts["returncode"], facts["interrupted"]) == (-signal.SIGHUP, True)


def test_the_background_goes_on_to_write_to_the_terminal_after_the_end(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    """Under a shell that lives on. The job is told by SIGHUP that its terminal is gone, and ignores it."""
    shell = (
        "import fcntl, os, subprocess, sys, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "subprocess.call(sys.argv[1:], close_fds=False)\n"
        "print('prompt', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    wait, go = os.pipe()
    job = driver("sh", "-c", f"trap '' HUP; (read x </dev/fd/{wait}; echo late) & echo now")
    with terminal.running([sys.executable, "-c", shell, *job], pass_fds=[wait]) as process:
        os.close(wait)
        assert read_until(terminal.screen, b"prompt\r\n") == b"now\r\nprompt\r\n"
        assert terminal.attributes() == terminal.found
        os.close(go)
        assert read_until(terminal.screen, b"late\r\r\n") == b"late\r\r\n"
        terminal.type(b"\n")
        assert process.wait(WAIT_S) == 0
    facts = report(tmp_path)
    assert (facts["returncode"], lines(facts)) == (0, [(1, "now")])


def test_in_the_background_the_terminal_is_left_alone(
    driver: Callable[..., list[str]], tmp_path: Path, terminal: Terminal
) -> None:
    shell = (
        "import fcntl, os, subprocess, sys, termios\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "job = os.fork()\n"
        "if job == 0:\n os.setpgid(0, 0)\n os.execv(sys.argv[1], sys.argv[1:])\n"
        "_, status = os.waitpid(job, os.WUNTRACED)\n"
        "os._exit(os.WIFSTOPPED(status) * 99 or os.waitstatus_to_exitcode(status))\n"
    )
    with terminal.running(
        [sys.executable, "-c", shell, *driver("sh", "-c", "echo ready; exit 5")]
    ) as process:
        read_until(terminal.screen, b"ready\r\n")
        assert terminal.attributes() == terminal.found
        assert process.wait(WAIT_S) == 0
    assert report(tmp_path)["returncode"] == 5


def test_ended_is_a_plain_value() -> None:
    assert Ended(0, False, 1.5) == Ended(0, False, 1.5, error="", log_error="")
