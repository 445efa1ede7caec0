"""What a CF checker says of a file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path


def complaints(path: Path, folder: Path, conventions: str = "1.11") -> dict[str, list[str]]:
    """Return errors (`high`) and recommendations (`medium`) of IOOS's compliance-checker."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        from compliance_checker.runner import CheckSuite, ComplianceChecker

        CheckSuite.load_all_available_checkers()
        out = folder / "checked.json"
        name = f"cf:{conventions}"
        ComplianceChecker.run_checker(str(path), [name], 0, "strict", output_filename=str(out), output_format="json")
    found = json.loads(out.read_text())[name]
    assert found["possible_points"] > 20, "it has looked at next to nothing"
    return {
        level: [text for item in found[f"{level}_priorities"] for text in item["msgs"]] for level in ("high", "medium")
    }
