"""The one command that sets up and passes the tests: `python3 tests/run.py [pytest arguments]`.

Needs Python, pip and git. Makes `.venv` in the checkout, installs what `requirements.lock` pins by hash, and runs the
linters, the types, the import rules, the tests with branch coverage, and the built wheel. Parts that need something of
the system (Node for three of the SCIM servers) are skipped where it is missing, and named in the last line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
COVERAGE_FLOOR = "85"
"""What runs as a process of its own, most of `cli`, `ci` and `request`, is tested by what it does and not counted."""


def main(arguments: list[str]) -> int:
    """Run everything, in order of how quickly it finds a fault; return the first exit code that is not 0."""
    environment = set_up()
    skipped = ROOT / ".skipped"
    skipped.unlink(missing_ok=True)
    environment["RECONCILER_SKIPPED_FILE"] = str(skipped)
    seen = ROOT / ".seen.json"
    seen.unlink(missing_ok=True)
    subprocess.run([PYTHON, ROOT / "tests" / "servers" / "setup.py"], check=True, env=environment)
    steps = [
        ("lint", [BIN / "ruff", "check", "."]),
        ("format", [BIN / "ruff", "format", "--check", "."]),
        ("types", [BIN / "mypy"]),
        ("import rules", [BIN / "lint-imports", "--no-cache"]),
        ("workflows", [PYTHON, ROOT / "tests" / "house" / "lint_workflows.py"]),
    ]
    if arguments:
        steps = [("tests", [PYTHON, "-m", "pytest", *arguments])]
    else:
        parallel = ["-n", "2", "--dist", "loadgroup", "--evidence", seen]
        steps += [
            ("tests", [PYTHON, "-m", "coverage", "run", "-m", "pytest", *parallel]),
            ("coverage, gathered", [PYTHON, "-m", "coverage", "combine", "--quiet"]),
            ("coverage", [PYTHON, "-m", "coverage", "report", f"--fail-under={COVERAGE_FLOOR}", "--format=total"]),
        ]
    code = run_steps(steps, environment)
    names = sorted(set(skipped.read_text(encoding="utf-8").splitlines())) if skipped.exists() else []
    if not arguments and code == 0:
        code = check_evidence(seen, names, environment) or check_wheel(environment)
    skipped.unlink(missing_ok=True)
    seen.unlink(missing_ok=True)
    print(f"result: {'passed' if code == 0 else 'failed'}")
    print("skipped: " + ("; ".join(names) or "nothing"))
    return code


def set_up() -> dict[str, str]:
    """Make the virtual environment, install the locked packages once for each lock, and return the environment."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": ""}
    environment["PATH"] = f"{BIN}{os.pathsep}{environment.get('PATH', '')}"
    lock = ROOT / "requirements.lock"
    mark = VENV / "installed.lock"
    if mark.exists() and mark.read_bytes() == lock.read_bytes() + sys.version.encode():
        return environment
    print("setting up .venv (once) …", flush=True)
    if VENV.exists():
        shutil.rmtree(VENV)
    venv.create(VENV, with_pip=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", lock], check=True, env=environment)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", ROOT], check=True, env=environment)
    mark.write_bytes(lock.read_bytes() + sys.version.encode())
    return environment


def run_steps(steps: list[tuple[str, list[str | Path]]], environment: dict[str, str]) -> int:
    """Run steps until one fails."""
    for name, command in steps:
        print(f"── {name}", flush=True)
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code:
            print(f"── {name} failed", flush=True)
            return code
    return 0


def check_evidence(seen: Path, skipped: list[str], environment: dict[str, str]) -> int:
    """Check that what `tests/evidence.json` claims was seen; where tests were skipped, only say what was not."""
    print("── evidence", flush=True)
    command = [PYTHON, ROOT / "tests" / "house" / "claims.py", seen]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return 0 if skipped else code


def check_wheel(environment: dict[str, str]) -> int:
    """Build the wheel, install it alone beside its locked dependencies, and run the command from outside the tree."""
    print("── wheel", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        build = [PYTHON, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
        code = subprocess.run(build, cwd=folder, env=environment, check=False, stdout=subprocess.DEVNULL).returncode
        if code:
            return code
        wheel = next(Path(folder).glob("*.whl"))
        target = Path(folder) / "site"
        install = [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel]
        probe = [PYTHON, "-P", "-m", "reconciler.cli.main", "providers"]
        outside = {**environment, "PYTHONPATH": str(target)}
        return subprocess.run(install, env=environment, check=False).returncode or (
            subprocess.run(probe, cwd=folder, env=outside, check=False, stdout=subprocess.DEVNULL).returncode
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
