"""What a live process may do, held against the words of systemd in tests/confinement/ROLE.service.

Its seccomp filters are taken from the kernel (ptrace, PTRACE_SECCOMP_GET_FILTER) and followed instruction by
instruction; what the filter does not fix, such as an argument nobody asks about, is followed both ways. So "never
allowed" means: by no arguments. Every word in a unit has a check here; one without is a mistake.
"""
import ctypes
import os
import re
import struct
import subprocess

KILL, ALLOW = 0x80000000, 0x7FFF0000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SEIZE, INTERRUPT, DETACH, GET_FILTER = 0x4206, 0x4207, 17, 0x420C
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
PATHS = """open openat openat2 open_by_handle_at creat mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link
linkat symlink symlinkat mknod mknodat truncate chmod fchmodat chown lchown fchownat utimensat chdir chroot pivot_root
mount umount2 execve execveat setxattr getxattr inotify_add_watch fanotify_mark statfs""".split()
PROT_WRITE, PROT_EXEC = 2, 4

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
seccomp = ctypes.CDLL("libseccomp.so.2")


class Loose(Exception):
    """The process may do more than its unit says."""


def filters_of(pid):
    """The programs of a process's seccomp filters, each a list of (code, jt, jf, k)."""
    if libc.ptrace(SEIZE, pid, None, None):
        raise OSError(ctypes.get_errno(), "cannot look into the process")
    try:
        libc.ptrace(INTERRUPT, pid, None, None)
        os.waitpid(pid, 0x40000000)  # __WALL
        programs = []
        while (count := libc.ptrace(GET_FILTER, pid, len(programs), None)) > 0:
            buffer = ctypes.create_string_buffer(8 * count)
            libc.ptrace(GET_FILTER, pid, len(programs), buffer)
            programs.append(list(struct.iter_unpack("<HBBI", buffer.raw)))
        return programs
    finally:
        libc.ptrace(DETACH, pid, None, None)


def outcomes(program, known):
    """All that the program can return; known: byte offset in struct seccomp_data to 32-bit value."""
    found, seen, todo = set(), set(), [(0, None)]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        place, value = state
        code, yes, no, k = program[place]
        kind = code & 7
        if kind == 0:  # load: a word of the data, or a constant
            todo.append((place + 1, known.get(k) if code == 0x20 else k if code == 0 else None))
        elif kind == 4:  # arithmetic: libseccomp masks, nothing else
            todo.append((place + 1, value & k if code == 0x54 and value is not None else None))
        elif kind == 5 and code & 0xF0 == 0:
            todo.append((place + 1 + k, value))
        elif kind == 5:
            holds = {0x10: lambda: value == k, 0x20: lambda: value > k, 0x30: lambda: value >= k,
                     0x40: lambda: value & k != 0}[code & 0xF0]
            ways = {yes, no} if value is None or code & 8 else {yes if holds() else no}
            todo += [(place + 1 + way, value) for way in ways]
        elif kind == 6:
            found.add(k)
        else:
            raise Loose(f"a filter with instruction {code:#x} cannot be followed")
    return found


class Process:
    """One live process and the words it is held against."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            self.status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.programs = filters_of(pid)

    def may(self, name, *arguments, architecture=None):
        """Whether some call of this name, with these first arguments (None: any), is ever allowed."""
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return False  # not of this machine
        known = {0: number & 0xFFFFFFFF, 4: architecture or ARCHITECTURES[os.uname().machine]}
        for place, argument in enumerate(arguments):
            if argument is not None:
                known.update({16 + 8 * place: argument, 20 + 8 * place: 0})
        if not self.programs:
            return True
        return all(ALLOW in {result & 0xFFFF0000 for result in outcomes(program, known)}
                   for program in self.programs)

    def forbids(self, *names):
        for name in names:
            if self.may(name):
                raise Loose(f"{name}() is allowed")

    def sockets(self):
        """The kinds of internet sockets it holds."""
        held = {os.readlink(f"/proc/{self.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{self.pid}/fd")}
        for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet"):
            with open(f"/proc/{self.pid}/net/{kind}", encoding="ascii") as file:
                inodes = {f"socket:[{word}]" for line in file for word in line.split()}
            if held & inodes:
                yield kind


def capabilities(text):
    # The names of linux/capability.h that we hold, and their numbers.
    numbers = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13}
    return sum(1 << numbers[name] for name in text.split())


def no_files(process, _):
    process.forbids(*PATHS)


def no_network(process, _):
    if process.may("socket", 2) or process.may("socket", 10) or list(process.sockets()):
        raise Loose(f"it reaches the network: {list(process.sockets())}")


def named(*calls):
    return lambda process, _: process.forbids(*calls)


def equal(field, wanted):
    def check(process, value):
        if process.status[field].strip() != wanted(value):
            raise Loose(f"{field} is {process.status[field]}")
    return check


def bounded(process, value):
    for field in ("CapBnd", "CapPrm", "CapEff"):
        if int(process.status[field], 16) & ~capabilities(value):
            raise Loose(f"{field} is {process.status[field]}")


def groups(words):
    """The calls of systemd's groups, which may hold groups."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], capture_output=True, text=True,
                          check=True).stdout
    table = {block.split()[0]: re.findall(r"(?m)^\s+([@\w-]+)$", block) for block in re.split(r"(?m)^(?=@)", text)
             if block.startswith("@")}

    def expand(word):
        return [word] if not word.startswith("@") else [call for part in table[word] for call in expand(part)]
    return {call for word in words for call in expand(word)}


def filtered(process, value):
    """A line that begins with ~ takes away; all others together are what is left."""
    if value.startswith("~"):
        process.forbids(*groups(value[1:].split()))
    else:
        process.forbids(*(groups(["@known"]) - groups(value.split())))


def families(process, value):
    wanted = set() if value == "none" else {FAMILIES[name] for name in value.split()}
    loose = [family for family in range(64) if process.may("socket", family) and family not in wanted]
    if loose:
        raise Loose(f"it may make sockets of the families {loose}")


def native(process, _):
    others = [name for name, number in ARCHITECTURES.items()
              if name != os.uname().machine and process.may("read", architecture=number)]
    if others or process.may("read", architecture=0x40000003):  # i386
        raise Loose("calls of another architecture are allowed")


def never_code(process, _):
    if process.may("mmap", None, None, PROT_EXEC) or process.may("mmap", None, None, PROT_WRITE | PROT_EXEC) or \
            process.may("mprotect", None, None, PROT_EXEC) or process.may("pkey_mprotect"):
        raise Loose("memory can become code")


def account(process, _):
    if "0" in process.status["Uid"].split() + process.status["Gid"].split():
        raise Loose("it is root")


NAMESPACES = named("unshare", "setns", "clone", "clone3", "fork", "vfork")
CHECKS = {
    "User": account, "SupplementaryGroups": equal("Groups", lambda value: value),
    "NoNewPrivileges": equal("NoNewPrivs", lambda _: "1"), "CapabilityBoundingSet": bounded,
    "AmbientCapabilities": equal("CapAmb", lambda _: "0" * 16), "UMask": equal("Umask", lambda value: value),
    "SystemCallFilter": filtered, "SystemCallArchitectures": native, "RestrictAddressFamilies": families,
    "LockPersonality": named("personality"), "MemoryDenyWriteExecute": never_code, "RestrictNamespaces": NAMESPACES,
    "RestrictRealtime": named("sched_setscheduler", "sched_setattr", "sched_setparam"),
    "RestrictSUIDSGID": named("chmod", "fchmodat", "mknod", "mknodat", "fchown", "chown"),
    "ProtectClock": named("clock_settime", "settimeofday", "adjtimex", "clock_adjtime", "stime"),
    "ProtectHostname": named("sethostname", "setdomainname"), "ProtectKernelLogs": named("syslog"),
    "ProtectKernelModules": named("init_module", "finit_module", "delete_module"),
    "KeyringMode": named("add_key", "keyctl", "request_key"),
    "RemoveIPC": named("shmget", "shmat", "semget", "msgget", "mq_open"),
    "PrivateNetwork": no_network, "IPAddressDeny": no_network,
    **dict.fromkeys(("ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "DevicePolicy",
                     "ProtectControlGroups", "ProtectKernelTunables", "ProtectProc", "ProcSubset"), no_files),
}


def hold(pid, path):
    """Holds a live process against a unit; raises Loose with the first line that it does not keep."""
    process = Process(pid)
    with open(path, encoding="utf-8") as file:
        lines = re.findall(r"(?m)^(\w+)=(.*)$", file.read())
    for word, value in lines:
        if word == "ExecStart":
            continue
        if word not in CHECKS:
            raise Loose(f"{os.path.basename(path)}: no check for {word}=")
        try:
            CHECKS[word](process, value)
        except Loose as error:
            raise Loose(f"{word}={value}: {error}") from None
    return len(lines) - 1
