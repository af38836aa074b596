"""Receipts of checked files."""

from pathlib import Path

import pytest

from tunedd_api.backends.model_files.receipts import RECEIPTS_FILE, Receipts


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    (tmp_path / "file").write_bytes(b"content")
    receipts = Receipts(tmp_path)
    receipts.write("file", "digest")
    return receipts


def test_receipt_is_found_by_another_process(receipts: Receipts, tmp_path: Path) -> None:
    receipt = Receipts(tmp_path).of("file")
    assert receipt is not None
    assert receipt.sha256 == "digest"


def test_changed_file_has_no_receipt(receipts: Receipts, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"changed")
    assert receipts.of("file") is None


def test_dropped_receipt_is_gone_and_others_stay(receipts: Receipts, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"content")
    receipts.write("other", "digest")
    receipts.drop("file")
    assert receipts.of("file") is None
    assert receipts.of("other") is not None


@pytest.mark.parametrize("broken", ["", "[]", '{"file": 1}', '{"file": {"bytes": 7}}'])
def test_broken_receipts_count_as_none(receipts: Receipts, tmp_path: Path, broken: str) -> None:
    (tmp_path / RECEIPTS_FILE).write_text(broken)
    assert receipts.of("file") is None
