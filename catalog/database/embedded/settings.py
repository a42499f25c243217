"""How much of this machine the embedded Postgres uses; every value is written as SHOW prints it."""

import os
import shutil
from pathlib import Path

PORT = 5432  # it names the socket; there is no TCP port

# Measured on 100,000 40-d vectors: ef_search 100 finds .987 of the nearest 20 (40: .959, 200: .993). Under a
# filter that keeps 1 in 1,000 rows, 100,000 scanned tuples find .988 of them (20,000: .842). Relaxed order
# finds .007 more, but up to one such ORDER BY in five came back out of order: wrong to every reader.
SEARCH_SETTINGS = {
    "hnsw.ef_search": "100",
    "hnsw.iterative_scan": "strict_order",
    "hnsw.max_scan_tuples": "100000",
    "hnsw.scan_mem_multiplier": "4",
}

_THROW_AWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_PARALLEL_BUILD_BYTES = 1 << 30


def expected_settings() -> dict[str, str]:
    """Settings of the embedded server on this machine; `galcat check` compares them with what is in force.

    Returns:
        Value by name, each exactly as `SHOW name` prints it.
    """
    return settings_for(memory_mb(), os.cpu_count() or 1)


def settings_for(ram_mb: int, cores: int) -> dict[str, str]:
    """Settings for a machine of `ram_mb` MB of memory and `cores` processors, as SHOW prints them.

    An HNSW graph of a million 40-d vectors takes 390 MB: it is built in `maintenance_work_mem`, and stays in
    `shared_buffers` when there is room.
    """
    return {
        "shared_buffers": _size(_clamp(ram_mb // 8, 128, 2048)),
        "effective_cache_size": _size(_clamp(ram_mb // 2, 256, 1 << 20)),
        "maintenance_work_mem": _size(_clamp(ram_mb // 8, 64, 512)),
        "work_mem": _size(32 if ram_mb >= 4096 else 16),  # noqa: PLR2004 - MB of a small machine
        "max_connections": "100",
        "max_worker_processes": str(max(8, 2 * cores)),
        "max_parallel_workers": str(max(2, cores)),
        "max_parallel_workers_per_gather": str(_clamp_count(cores // 2, 1, 4)),
        "max_parallel_maintenance_workers": str(_clamp_count(cores, 2, 8)),
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "pglz",
        "random_page_cost": "1.1",
        "jit": "off",
        "fsync": "on",
        "TimeZone": "UTC",
        "shared_preload_libraries": "vector",  # makes hnsw.* real settings, checked at the start
        **SEARCH_SETTINGS,
    }


def session_bytes(ram_mb: int) -> int:
    """How much memory one session may take for itself on a machine of `ram_mb` MB, in bytes."""
    return _clamp(ram_mb // 8, 1024, 8192) << 20


def settings_file(socket_folder: Path, cluster_name: str, *, durable: bool) -> str:
    """Text of the configuration file included last by postgresql.conf.

    Args:
        socket_folder: Folder of the Unix socket, the server's only door.
        cluster_name: Shown in the title of every process of the server, which is how they are found.
        durable: False trades the survival of a power cut for speed: throw-away databases only.
    """
    values = expected_settings() | ({} if durable else _THROW_AWAY)
    values |= {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": '"{}"'.format(str(socket_folder).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "cluster_name": cluster_name,
        "log_timezone": "UTC",
        "dynamic_shared_memory_type": _shared_memory_type(),
    }
    lines = [f"{name} = '{_quote(value)}'" for name, value in values.items()]
    return "\n".join(
        ["# Written by galcat at every start; put changes of yours below the include.", *lines, ""]
    )


def memory_mb() -> int:
    """Memory this process may use: the machine's, or the container's limit where that is lower."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    texts = [Path(limit).read_text().strip() for limit in _CGROUP_LIMITS if Path(limit).is_file()]
    return min([physical, *(int(text) for text in texts if text.isdigit())]) >> 20


def _shared_memory_type() -> str:
    """Where parallel workers share memory: a container's /dev/shm is often 64 MB, too small for an index."""
    shm = Path("/dev/shm")  # noqa: S108 - asked for its size only
    roomy = shm.is_dir() and shutil.disk_usage(shm).total >= _PARALLEL_BUILD_BYTES
    return "posix" if roomy or not shm.is_dir() else "sysv"


def _clamp(value: int, low: int, high: int) -> int:
    """Value in MB between the bounds, in steps of 64 so that it does not change with every boot."""
    return max(low, min(high, value // 64 * 64))


def _clamp_count(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _size(mb: int) -> str:
    return f"{mb // 1024}GB" if mb % 1024 == 0 else f"{mb}MB"


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
