"""octodns with as many records as we have grants: installed into a folder of its own, where it can be."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

CONFIG = """\
providers:
  source: {class: octodns.provider.yaml.YamlProvider, directory: ./source, enforce_order: false}
  target: {class: octodns.provider.yaml.YamlProvider, directory: ./target, enforce_order: false}
zones:
  scale.example.: {sources: [source], targets: [target]}
"""


def measure_noop(records: int, times: int = 3) -> measure.Cost | None:
    """Return the median cost of a no-op plan over so many A records, or None where octodns cannot be installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = folder / "site"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", site, "octodns"]
        if subprocess.run(install, check=False, stderr=subprocess.DEVNULL).returncode:
            return None
        (folder / "source").mkdir()
        with (folder / "source" / "scale.example.yaml").open("w") as out:
            for number in range(records):
                address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
                out.write(f"r{number:07}:\n  type: A\n  value: {address}\n")
        shutil.copytree(folder / "source", folder / "target")
        (folder / "config.yaml").write_text(CONFIG)
        start = f"import sys; sys.path.insert(0, {str(site)!r}); from octodns.cmds.sync import main; main()"
        plan = [sys.executable, "-c", start, "--config-file", "config.yaml", "--quiet"]
        return measure.repeat(times, lambda: measure.run(plan, folder=folder))
