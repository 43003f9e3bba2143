"""What an attacker would try, tried: every door is shut, and nothing is left behind."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cancellation import CancelToken
from agent.errors import Cancelled
from agent.sandbox import Sandbox, SandboxResult
from agent.settings import Settings, child_environment

Run = Callable[..., SandboxResult]

NAMESPACE = "import os\nprint(os.readlink('/proc/self/ns/pid'), flush=True)\n"
"""Printed by code whose processes are looked for from outside."""

TRY = """
import os
def attempt(what, *arguments):
    try:
        what(*arguments)
    except (OSError, MemoryError, ValueError) as error:
        print("shut:", type(error).__name__, getattr(error, "errno", None))
    else:
        print("OPEN:", what, arguments)
"""
CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    value = getattr(libc, name)(*arguments)
    print("OPEN:" if value != -1 else "shut:", name, errno.errorcode.get(ctypes.get_errno()))
"""


def processes_in(namespace: str) -> list[str]:
    """The processes of this machine that live in a namespace."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "ns" / "pid").readlink()) == namespace:
                found.append(process.name)
        except OSError:
            continue
    return found


def gone(namespace: str, seconds: float = 5) -> bool:
    """Whether all processes of the namespace are gone, after at most that time."""
    deadline = time.monotonic() + seconds
    while processes_in(namespace):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# --- network ---------------------------------------------------------------------------------------


def test_no_server_can_be_reached(run: Run) -> None:
    """Neither a name, nor an address, nor what listens on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run(f"""{TRY}
import socket
attempt(socket.create_connection, ("127.0.0.1", {port}), 2)
attempt(socket.create_connection, ("1.1.1.1", 53), 2)
attempt(socket.getaddrinfo, "pypi.org", 443)
print(open("/proc/net/dev").read().count(":"))
""")
    assert "OPEN" not in result.output
    assert result.output.count("shut:") == 3
    assert result.output.splitlines()[-1] == "1"  # lo, and nothing else


@pytest.mark.parametrize("family", ["AF_VSOCK", "AF_NETLINK", "AF_PACKET", "AF_ALG"])
def test_sockets_that_no_namespace_holds_cannot_be_made(run: Run, family: str) -> None:
    result = run(f"{TRY}\nimport socket\nattempt(socket.socket, socket.{family}, socket.SOCK_RAW)")
    assert result.output == "shut: OSError 97"  # EAFNOSUPPORT, from the filter


@pytest.mark.skipif(platform.machine() != "x86_64", reason="calls socket by its number on x86-64")
def test_the_upper_half_of_an_argument_passes_no_filter_by(run: Run) -> None:
    """The kernel reads 32 bits of a family, the filter 64."""
    result = run(f"{CALL}\ncall('syscall', 41, ctypes.c_ulong((1 << 32) | 40), 1, 0)")
    assert result.output == "shut: syscall EAFNOSUPPORT"


# --- files, secrets --------------------------------------------------------------------------------


def test_only_the_system_and_the_environment_are_there(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password")
    result = run(f"""{TRY}
for path in ("/etc/passwd", "/etc/shadow", "/root/.ssh", "/home", "/var/run/docker.sock", "/sys/kernel", "/run"):
    attempt(os.stat, path)
attempt(os.stat, {str(secret)!r})
print(*os.listdir("/"))
""")
    assert "OPEN" not in result.output
    ours = {"answer", "environment", "sandbox", "tmp", "proc", "dev"}
    system = {"usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "libx32", Path(sys.base_prefix).resolve().parts[1]}
    assert ours <= set(result.output.splitlines()[-1].split()) <= ours | system


def test_no_variable_of_ours_is_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in its own environment, nor in that of any process that it sees."""
    monkeypatch.setenv("MY_TOKEN", "sk-secret")
    result = run("""
import os
from pathlib import Path
print(dict(os.environ))
for process in Path("/proc").glob("[0-9]*"):
    try:
        print(process, (process / "environ").read_bytes())
    except OSError:
        pass
""")
    assert "FURY_OFFSCREEN" in result.output
    assert "sk-secret" not in result.output


def test_nothing_but_the_room_can_be_written(run: Run) -> None:
    result = run(f"""{TRY}
import sys
places = [
    "/x", "/usr/x", "/etc/x", "/dev/x", "/answer/x", "/sandbox/launch.py", "/environment/x", sys.base_prefix + "/x",
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
]
for place in places:
    attempt(open, place, "w")
attempt(os.mknod, "/tmp/disk", 0o660 | 0o060000, os.makedev(8, 0))
open("/tmp/mine", "w").write("x")
open("/dev/shm/mine", "w").write("x")
""")
    assert "OPEN" not in result.output
    assert result.ok


def test_no_descriptor_of_ours_is_inherited(run: Run, tmp_path: Path) -> None:
    (tmp_path / "open.txt").write_text("secret")
    with (tmp_path / "open.txt").open() as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - the function takes it by position alone
        result = run("import os\nprint(sorted(int(name) for name in os.listdir('/proc/self/fd'))[:-1])")
    assert result.output == "[0, 1, 2]"


def test_two_runs_share_nothing(run: Run) -> None:
    run("open('/tmp/left', 'w').write('x')")
    assert run("import os\nprint(os.listdir('/tmp'))").output == "[]"


# --- power -----------------------------------------------------------------------------------------


def test_code_has_no_power(run: Run) -> None:
    """It is nobody, without capabilities, and can't become anybody."""
    result = run(f"""{TRY}
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print(*(status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp")))
attempt(os.setuid, 0)
attempt(os.setgroups, [0])
attempt(os.chroot, "/tmp")
assert os.getuid() and os.getgid() and 0 not in os.getgroups()
""")
    assert result.ok, result.error
    assert result.output.splitlines()[0] == f"{'0' * 16} {'0' * 16} {'0' * 16} {'0' * 16} 1 2"
    assert "OPEN" not in result.output


def test_no_process_outside_is_run_by_the_same_user(run: Run) -> None:
    """What root starts must not be root's within: on the machine it is a user that nobody is."""
    seen: list[int] = []

    def look() -> None:
        for _ in range(25):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if (
                        b"/answer/answer.py\0" in (process / "cmdline").read_bytes()
                        and b"bwrap" not in (process / "cmdline").read_bytes()
                    ):
                        seen.append(process.stat().st_uid)
                except OSError:
                    continue
            time.sleep(0.04)

    watcher = threading.Thread(target=look)
    watcher.start()
    run("import time\ntime.sleep(0.7)")
    watcher.join()
    assert seen
    if os.getuid() == 0:
        assert seen[-1] in range(61184, 65520)


def test_dangerous_system_calls_are_refused(run: Run) -> None:
    result = run(f"""{CALL}
import os, platform
call("ptrace", 16, os.getppid(), 0, 0)
call("unshare", 0x10000000)
call("unshare", 0x00020000)
call("mount", b"none", b"/tmp", b"tmpfs", 0, None)
call("umount2", b"/proc", 0)
call("setns", 0, 0)
call("shmget", 0, 1 << 30, 0o1600)
call("memfd_create", b"x", 0)
if platform.machine() == "x86_64":
    for number in (250, 298, 310, 321, 323, 425, 304):  # keyctl perf process_vm_readv bpf userfaultfd io_uring handles
        call("syscall", number, 0, 0, 0, 0, 0)
""")
    assert "OPEN" not in result.output
    assert {line.split()[-1] for line in result.output.splitlines()} == {"EPERM"}


def test_a_new_user_namespace_cannot_be_had_by_clone(run: Run) -> None:
    result = run(f"""{CALL}
import platform
if platform.machine() == "x86_64":
    call("syscall", 56, ctypes.c_ulong(0x10000000 | 17), 0, 0, 0, 0)
    call("syscall", 435, 0, 0)
""")
    assert "OPEN" not in result.output


def test_no_process_can_be_written_to_that_may_do_more(run: Run) -> None:
    """Outside none is seen; within, what can be opened at all is held by the same filter and has no power either."""
    result = run("""
from pathlib import Path
for process in Path("/proc").glob("[0-9]*"):
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    try:
        open(process / "mem", "r+b").close()
    except OSError:
        print("closed")
    else:
        print(status["Seccomp"].strip(), status["CapPrm"].strip())
""")
    lines = result.output.splitlines()
    assert 2 <= len(lines) <= 4
    assert set(lines) <= {"closed", f"2 {'0' * 16}"}


def test_there_is_no_terminal(run: Run) -> None:
    result = run(
        f"{TRY}\nimport fcntl\nattempt(open, '/dev/tty')\nattempt(fcntl.ioctl, 0, 0x5412, b'x')\nprint(os.isatty(0))"
    )
    assert "OPEN" not in result.output
    assert result.output.endswith("False")


# --- limits ----------------------------------------------------------------------------------------


def test_a_fork_bomb_is_stopped(run: Run) -> None:
    code = f"""{NAMESPACE}
import os, time
while True:
    try:
        os.fork()
    except BlockingIOError:
        time.sleep(0.01)
"""
    result = run(code, sandbox_processes=32, sandbox_timeout=1.5)
    assert result.error == "It did not end within 1.5 s."
    assert result.seconds < 15
    assert gone(result.output.splitlines()[0])


def test_there_are_no_more_processes_than_allowed(run: Run) -> None:
    code = """
import os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(30)
        count += 1
except BlockingIOError:
    print(count)
"""
    assert 10 <= int(run(code, sandbox_processes=32).output) <= 32


def test_one_process_cannot_take_all_memory(run: Run) -> None:
    result = run("x = bytearray(2_000_000_000)", sandbox_memory_bytes=300_000_000)
    assert result.error == "Line 1: x = bytearray(2_000_000_000)\nMemoryError"


def test_many_processes_cannot_take_all_memory(run: Run) -> None:
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        taken = bytearray(b"x" * 100_000_000)
        time.sleep(30)
time.sleep(30)
"""
    result = run(code, sandbox_memory_bytes=300_000_000)
    assert result.error == "It used more than 300 MB of memory and was ended."


def test_shared_memory_is_counted(run: Run) -> None:
    code = """
import mmap, time
taken = mmap.mmap(-1, 2_000_000_000)
for place in range(0, len(taken), 4096):
    taken[place] = 1
time.sleep(30)
"""
    result = run(code, sandbox_memory_bytes=300_000_000)
    assert result.error == "It used more than 300 MB of memory and was ended."


def test_the_room_is_small(run: Run) -> None:
    """One file by its own limit, many by the size of the file system; neither lies on the disk."""
    result = run(f"""{TRY}
def fill(folder, files):
    for number in range(files):
        with open(f"{{folder}}/{{number}}", "wb") as file:
            for _ in range(60):
                file.write(bytes(1_000_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
attempt(fill, "/tmp", 10)
attempt(fill, "/dev/shm", 10)
with open("/dev/null", "wb") as null:
    attempt(lambda: os.truncate("/tmp/0", 10 ** 12))
""")
    assert "OPEN" not in result.output
    assert result.output.count("shut:") == 3


def test_endless_output_is_ended(run: Run) -> None:
    result = run("while True:\n    print('x' * 1000)", sandbox_output_bytes=50_000)
    assert result.error == "It printed more than 50,000 bytes and was ended."
    assert len(result.output) <= 4_000


def test_time_is_up_for_what_does_not_listen(run: Run) -> None:
    code = f"""{NAMESPACE}
import signal, time
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
while True:
    time.sleep(1)
"""
    result = run(code, sandbox_timeout=1.0)
    assert result.error == "It did not end within 1 s."
    assert result.seconds < 15
    assert gone(result.output)


def test_time_is_up_for_what_closes_its_output(run: Run) -> None:
    result = run("import os, time\nos.close(1)\nos.close(2)\ntime.sleep(30)", sandbox_timeout=1.0)
    assert result.error == "It did not end within 1 s."


def test_processor_time_is_limited(run: Run) -> None:
    result = run("while True: pass", sandbox_cpu_seconds=1)
    assert result.error == "It was ended by its limit of processor time (SIGXCPU)."


# --- what stays behind -----------------------------------------------------------------------------


def test_nothing_survives_the_end(run: Run) -> None:
    """A daemon that left its session and closed its output dies with the run."""
    result = run(f"""{NAMESPACE}
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 10)
        time.sleep(60)
    os._exit(0)
""")
    assert result.ok
    assert gone(result.output)


def test_nothing_survives_a_killed_agent(plain_data: Path) -> None:
    """`kill -9`, so that nobody could clean up."""
    code = f"{NAMESPACE}import time\ntime.sleep(60)"
    program = f"""
from agent.sandbox import Sandbox, runner
from agent.settings import Settings
runner._Watch._take = lambda self, name, data: print(data.decode(), flush=True)
Sandbox(Settings(data_dir={str(plain_data)!r}), "plain", "1.0").run({code!r})
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=child_environment(), text=True
    ) as agent:
        assert agent.stdout is not None
        namespace = agent.stdout.readline().strip()
        assert processes_in(namespace)
        agent.send_signal(signal.SIGKILL)
    assert gone(namespace)


def test_a_withdrawn_run_is_ended_at_once(plain_data: Path) -> None:
    token = CancelToken()
    threading.Timer(0.5, token.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        Sandbox(Settings(data_dir=plain_data), "plain", "1.0").run("import time\ntime.sleep(60)", cancel=token)
    assert time.monotonic() - start < 15


def test_code_that_turns_on_its_launcher_only_fails(run: Run) -> None:
    code = "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(30)"
    assert not run(code, sandbox_timeout=2.0).ok


# --- what comes out --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trick",
    [
        "os.symlink('/etc/ld.so.cache', '/tmp/a.png')",
        "os.symlink('/proc/self/environ', '/tmp/.shown.png')",
        "os.mkfifo('/tmp/a.png')",
        "os.mkdir('/tmp/.shown.png')",
        "open('/tmp/a.png', 'wb').truncate(60_000_000)",
        "open('/tmp/a.png', 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(1000))",
    ],
)
def test_what_is_no_picture_does_not_come_out(run: Run, trick: str) -> None:
    result = run(f"import os\n{trick}")
    assert result.image is None


def test_output_cannot_steer_a_terminal(run: Run) -> None:
    result = run("print('\\x1b[2J\\x1b]0;owned\\x07\\u202ehello\\x9b31m')\nraise SystemExit('\\x1b[31mbad')")
    assert not set(result.output + (result.error or "")) & set("\x1b\x07\x9b\u202e")
    assert "hello" in result.output
