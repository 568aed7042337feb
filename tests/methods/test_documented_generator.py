"""The generator in docs/adding-a-method.md works as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-method.md"
USE = """
import gzsl
task = gzsl.final_task(gzsl.load("simulated"), "minmax")
options = SpreadWGAN.card.test_params[0]
fits = [gzsl.create("spread-wgan", spread_weight=w, **options).fit(task.view) for w in (0.0, 3.0)]
results = [gzsl.evaluate(fit, task) for fit in fits]
assert results[1].T1 > 0.4, results[1]
assert results[0].T1 != results[1].T1
"""


def test_the_documented_variant_is_short_and_learns() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(code.splitlines()) < 80
    done = subprocess.run([sys.executable, "-c", code + USE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
