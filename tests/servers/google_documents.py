"""Google's own descriptions of its admin APIs (discovery documents), out of the package that carries them.

Only three files of `google-api-python-client` are kept: installed, with what it needs, it weighs 136 MB.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VERSION = "2.202.0"
FOLDER = Path(__file__).resolve().parent / "npm" / "node_modules" / ".google"
DOCUMENTS = ("admin.directory_v1.json", "licensing.v1.json", "admin.datatransfer_v1.json")


def missing() -> str:
    """Say why requests to Google cannot be checked here; empty where they can."""
    there = all((FOLDER / name).exists() for name in DOCUMENTS)
    return "" if there else "Google's API descriptions (run python3 tests/servers/setup.py)"


def install() -> str:
    """Fetch the package, keep the documents; return what is missing, or nothing."""
    if not missing():
        return ""
    package = ["--no-deps", "--quiet", f"google-api-python-client=={VERSION}"]
    with tempfile.TemporaryDirectory() as folder:
        for tool in (["uv", "pip", "install"], [sys.executable, "-m", "pip", "install", "--no-compile"]):
            if tool[0] != "uv" or shutil.which("uv"):
                done = subprocess.run([*tool, "--target", folder, *package], check=False, capture_output=True)
                if done.returncode == 0:
                    break
        found = Path(folder) / "googleapiclient" / "discovery_cache" / "documents"
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in DOCUMENTS:
            if (found / name).exists():
                shutil.copy(found / name, FOLDER / name)
    return missing()
