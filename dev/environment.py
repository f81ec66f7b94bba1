"""Makes the environment the product runs in, from python3 alone. Used by the Makefile; standard library only.

    python3 dev/environment.py          .venv with exactly what requirements.lock names, and the `ops` command
    python3 dev/environment.py browser  a browser for the browser tests, where the machine lets us
    python3 dev/environment.py lock     requirements.lock again, from pyproject.toml

Done once per lock file: a stamp in .venv holds the hash of everything the environment depends on. uv lives in an
environment of its own, because bringing .venv in line with the lock removes what the lock does not name.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".uv" / "bin" / "uv"
UV_LOCK = ROOT / "dev" / "uv.lock.txt"
LOCK = ROOT / "requirements.lock"
PYTHON = ROOT / ".venv" / "bin" / "python"
STAMP = ROOT / ".venv" / "made-from"
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
BROWSER_PACKAGES = ("chromium-headless-shell", "libatomic1", "fonts-dejavu-core")
LOAD_EVERYTHING = """
import importlib, ops, pandas, phonenumbers.timezone, pkgutil
for module in pkgutil.walk_packages(ops.__path__, "ops."):
    importlib.import_module(module.name)
"""


def main(words):
    """What the command line asks for. Returns the exit status."""
    check_python()
    os.chdir(ROOT)
    if words == ["browser"]:
        return browser()
    with open(LOCK) as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # two makes at once: the second finds it done
        if words == ["lock"]:
            return make_lock()
        if not STAMP.exists() or STAMP.read_text() != fingerprint() or not (PYTHON.parent / "ops").exists():
            make()
    return 0


def check_python():
    """Ends the program, with a message, on a Python the lock was not made for."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        stop("Python 3.11 to 3.14 is needed; %s is %s." % (sys.executable, sys.version.split()[0]))


def fingerprint():
    """A hash of all the environment depends on. The folder counts: an environment does not survive being moved."""
    parts = [LOCK.read_bytes(), UV_LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    parts += [str(ROOT).encode(), sys.version.encode(), sys.base_prefix.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make():
    """Bring .venv in line with the lock and put the `ops` command into it."""
    print("Setting up the environment in .venv (once per lock file) ...", flush=True)
    get_uv()
    uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, ".venv")
    uv("pip", "sync", "--quiet", "--no-config", "--require-hashes", "--python", str(PYTHON), "requirements.lock")
    # The project itself, as it lies here. Its build tool comes from the lock too, so nothing is fetched without a hash.
    uv(
        "pip",
        "install",
        "--quiet",
        "--no-config",
        "--python",
        str(PYTHON),
        "--no-deps",
        "--no-build-isolation",
        "-e",
        ".",
    )
    keep_compiled()
    STAMP.write_text(fingerprint())


def keep_compiled():
    """Keep what Python compiles of the libraries, once. Where PYTHONDONTWRITEBYTECODE forbids it, as in many
    containers, every process would compile all of them again: seconds of each start and of each command."""
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        run(str(PYTHON), "-c", LOAD_EVERYTHING, env=env)


def make_lock():
    """Resolve pyproject.toml into requirements.lock: names, versions and hashes, no index address."""
    get_uv()
    compile_it = ["pip", "compile", "--quiet", "--no-config", "--universal", "--generate-hashes", "--upgrade"]
    uv(*compile_it, "--group", "dev", "pyproject.toml", "-o", "requirements.lock")
    return 0


def get_uv():
    """uv in its own environment, at the version and hash of dev/uv.lock.txt."""
    if uv_is_right():
        return
    python = make_uv_environment()
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    run(*install, "--only-binary", ":all:", "-r", str(UV_LOCK))


def uv_is_right():
    """Whether .uv holds the uv the lock names."""
    wanted = [line.split("==")[1].split()[0] for line in UV_LOCK.read_text().splitlines() if line.startswith("uv==")]
    try:
        found = subprocess.check_output([str(UV), "--version"], text=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return False
    return found.split()[1:2] == wanted


def make_uv_environment():
    """An environment with pip in .uv; its python. Debian's python3 cannot make one without python3-venv."""
    if try_venv():
        return str(UV.parent / "python")
    if is_root() and shutil.which("apt-get"):
        apt_install("python3-venv")
        if try_venv():
            return str(UV.parent / "python")
    stop(
        "%s cannot make an environment: it lacks ensurepip. Install it once (Debian, Ubuntu: "
        "apt-get install python3-venv, as root), or run make as root, which does it by itself." % sys.executable
    )


def try_venv():
    """Make .uv. False when this Python cannot."""
    shutil.rmtree(str(ROOT / ".uv"), ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", ".uv"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return made.returncode == 0


def browser():
    """Install a browser when we may. Status 1 only where CI demands one: its tests must never be skipped there."""
    if has_browser():
        return 0
    if is_root() and shutil.which("apt-get"):
        print("Installing a browser for the browser tests ...", flush=True)
        apt_install(*BROWSER_PACKAGES)
        if not has_browser():  # older systems have the whole browser only
            apt_install("chromium", *BROWSER_PACKAGES[1:])
    if has_browser():
        return 0
    wanted = "Browser tests need chromium and libatomic1 (Debian: apt-get install %s)." % " ".join(BROWSER_PACKAGES)
    if os.environ.get("CI") == "true":
        stop(wanted)
    rule = "!" * 100
    print("\n".join([rule, "!! THE BROWSER TESTS WILL BE SKIPPED. " + wanted, rule]), flush=True)
    return 0


def has_browser():
    """A Chromium, and the library the driver's node needs on Linux."""
    if not any(shutil.which(name) for name in BROWSERS):
        return False
    if sys.platform != "linux":
        return True
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        return False
    return True


def apt_install(*packages):
    """Install Debian packages; the caller looks whether it worked."""
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for words in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-q", *words],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode != 0:
            print(done.stdout.decode(errors="replace")[-2000:], file=sys.stderr)


def is_root():
    return os.geteuid() == 0


def uv(*words):
    """Run uv with the machine's own Pythons only (its downloads come from elsewhere) and a cache it can write."""
    env = dict(os.environ, UV_PYTHON_DOWNLOADS="never", UV_PYTHON_PREFERENCE="only-system")
    env.pop("VIRTUAL_ENV", None)
    home = env.get("HOME", "")
    if "UV_CACHE_DIR" not in env and not os.access(env.get("XDG_CACHE_HOME") or home or "/nonexistent", os.W_OK):
        env["UV_CACHE_DIR"] = str(ROOT / ".uv" / "cache")
    run(str(UV), *words, env=env)


def run(*words, env=None):
    """Run a program; ends ours with its output when it fails."""
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        stop("Set-up failed at: %s" % " ".join(words))


def stop(message):
    """End with a message and status 1."""
    sys.exit("\n" + message)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
