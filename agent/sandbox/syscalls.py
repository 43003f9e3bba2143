"""The system calls that code within the walls is refused, as a filter that the kernel runs.

Namespaces, lost capabilities and a read-only system are the walls; the filter keeps code away from parts of the kernel
that rendering never needs and where holes have been found: tracing, new namespaces, mounts, keys, BPF, io_uring, and
sockets that no network namespace holds (a virtual machine's line to its host). Its list follows those of Flatpak and
Docker. `libseccomp` compiles it for the machine's architecture.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from functools import cache

from agent.errors import SandboxUnavailable

LIBRARY = "libseccomp.so.2"

REFUSED = (
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
    *("unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot"),
    *("fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree", "mount_setattr"),
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    *("add_key", "request_key", "keyctl", "name_to_handle_at", "open_by_handle_at", "fanotify_init"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("swapon", "swapoff", "syslog", "acct", "quotactl", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"),
    *("modify_ldt", "personality", "mbind", "set_mempolicy", "migrate_pages", "move_pages", "vhangup"),
    *("shmget", "memfd_create", "memfd_secret", "msgget", "mq_open"),  # memory that no process's figures show
)
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
"""Sockets that may be made: X11's, and those that the empty network namespace holds."""

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NOT_EQUAL, _EQUAL, _GREATER, _MASKED = 1, 4, 6, 7
_CLONE_NEWUSER = 0x10000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_LOW_32_BITS = 0xFFFFFFFF
"""The kernel looks at these alone, so a filter that compares 64 can be passed by."""


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


@cache
def compiled_filter() -> bytes:
    """Return the filter as the BPF program that `bwrap --seccomp` takes.

    Raises:
        SandboxUnavailable: there is no libseccomp, or it refused a rule.
    """
    library = _library()
    context = library.seccomp_init(_ALLOW)
    try:
        for name in REFUSED:
            _refuse(library, context, name)
        _refuse(library, context, "clone3", error=errno.ENOSYS)  # its flags lie in memory; libc falls back to clone
        _refuse(library, context, "clone", _Comparison(0, _MASKED, _CLONE_NEWUSER, _CLONE_NEWUSER))
        for request in (_TIOCSTI, _TIOCLINUX):
            _refuse(library, context, "ioctl", _Comparison(1, _MASKED, _LOW_32_BITS, request))
        for family in range(max(FAMILIES)):
            if family not in FAMILIES:
                _refuse(library, context, "socket", _Comparison(0, _EQUAL, family), error=errno.EAFNOSUPPORT)
        _refuse(library, context, "socket", _Comparison(0, _GREATER, max(FAMILIES)), error=errno.EAFNOSUPPORT)
        return _exported(library, context)
    finally:
        library.seccomp_release(context)


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise SandboxUnavailable(
            f"The sandbox needs {LIBRARY} to refuse dangerous system calls.", remedy="apt-get install libseccomp2"
        ) from error
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Comparison),
    ]
    return library


def _refuse(library: ctypes.CDLL, context: int, name: str, *comparisons: _Comparison, error: int = errno.EPERM) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == -1:  # an older library than the call: the walls stand without this rule
        return
    array = (_Comparison * len(comparisons))(*comparisons)
    failed = library.seccomp_rule_add_array(context, _ERRNO | error, number, len(comparisons), array)
    if failed and number > 0:  # negative: a call that this architecture lacks
        raise SandboxUnavailable(f"{LIBRARY} refused the rule for {name!r} (error {-failed}).")


def _exported(library: ctypes.CDLL, context: int) -> bytes:
    descriptor = os.memfd_create("filter")
    try:
        if failed := library.seccomp_export_bpf(context, descriptor):
            raise SandboxUnavailable(f"{LIBRARY} could not write the filter (error {-failed}).")
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
