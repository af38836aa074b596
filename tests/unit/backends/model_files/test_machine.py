"""What is said before a model is fetched that has no room or cannot run."""

from dataclasses import replace
from pathlib import Path

import pytest

from tunedd_api.backends.model_files.catalog import ALL_MINILM_L6_V2, QWEN_CODER_1_5B
from tunedd_api.backends.model_files.machine import Machine, NotEnoughDisk, NotEnoughMemory, ProcessorTooOld

GOOD = Machine(free_disk=10_000_000_000, free_memory=8_000_000_000, avx2=True)


def test_this_machine_has_disk_and_memory(tmp_path: Path) -> None:
    machine = Machine.look(tmp_path / "not" / "yet" / "there")
    assert machine.free_disk > 0
    assert machine.free_memory is None or machine.free_memory > 0


def test_good_machine_passes() -> None:
    GOOD.check(QWEN_CODER_1_5B, missing_bytes=QWEN_CODER_1_5B.bytes)


def test_disk_must_hold_the_missing_bytes_and_working_room() -> None:
    machine = replace(GOOD, free_disk=QWEN_CODER_1_5B.bytes + 50_000_000)
    with pytest.raises(NotEnoughDisk, match=r"needs 1.2 GB of disk space; 1.2 GB are free.*TUNEDD_MODELS"):
        machine.check(QWEN_CODER_1_5B, missing_bytes=QWEN_CODER_1_5B.bytes)
    machine.check(QWEN_CODER_1_5B, missing_bytes=QWEN_CODER_1_5B.bytes // 2)


def test_too_little_memory_is_said_with_a_way_out() -> None:
    with pytest.raises(NotEnoughMemory, match=r"2.2 GB of memory; 900 MB are free.*TUNEDD_CHAT_MODEL"):
        replace(GOOD, free_memory=900_000_000).check(QWEN_CODER_1_5B, missing_bytes=1)


def test_processor_without_avx2_is_said_with_a_way_out() -> None:
    with pytest.raises(ProcessorTooOld, match=r"AVX2.*TUNEDD_CHAT_MODEL"):
        replace(GOOD, avx2=False).check(QWEN_CODER_1_5B, missing_bytes=1)


def test_embedder_runs_without_avx2() -> None:
    replace(GOOD, avx2=False, free_memory=900_000_000).check(ALL_MINILM_L6_V2, missing_bytes=1)


def test_system_that_tells_nothing_is_given_the_benefit_of_the_doubt() -> None:
    Machine(free_disk=10_000_000_000, free_memory=None, avx2=None).check(QWEN_CODER_1_5B, missing_bytes=1)
