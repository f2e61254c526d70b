"""A seccomp filter: the system calls that computing takes, and no others.

Anything else is answered EPERM by the kernel: opening files, sockets, new processes, signals to others.
https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys
from typing import Final

_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_MODE_FILTER: Final = 2
# Of BPF: load a word; jump where it is equal; return.
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1  # with EPERM
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data

# read, write, close, fstat, lseek; mmap, mprotect, munmap, brk, mremap, madvise; rt_sigaction,
# rt_sigprocmask, rt_sigreturn, sigaltstack; sched_yield, futex, restart_syscall, exit, exit_group; getpid,
# gettid, getrusage, getrandom; nanosleep, clock_nanosleep, setitimer, gettimeofday, clock_gettime,
# clock_getres; on x86-64 also time.
_CALLS: Final = {
    "x86_64": (
        0xC000003E,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 24, 202, 219, 60, 231, 39, 186, 98, 318,
         35, 230, 38, 96, 228, 229, 201),
    ),
    "aarch64": (
        0xC00000B7,
        (63, 64, 57, 80, 62, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 124, 98, 128, 93, 94, 172,
         178, 165, 278, 101, 115, 103, 169, 113, 114),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def install() -> bool:
    """Give up every other system call, for good; False where this machine has no such filter."""
    known = _CALLS.get(platform.machine())
    if sys.platform != "linux" or known is None:
        return False
    instructions = _instructions(*known)
    code = ctypes.create_string_buffer(b"".join(instructions))
    program = _Program(len(instructions), ctypes.addressof(code))
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def _instructions(architecture: int, calls: tuple[int, ...]) -> list[bytes]:
    def step(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
        return struct.pack("HBBI", code, when, otherwise, value)

    count = len(calls)
    return [
        step(_LOAD, _ARCHITECTURE),
        step(_JUMP_EQUAL, architecture, 0, count + 1),
        step(_LOAD, _NUMBER),
        *(step(_JUMP_EQUAL, call, count - index) for index, call in enumerate(calls)),
        step(_RETURN, _REFUSE),
        step(_RETURN, _ALLOW),
    ]
