"""Questions that can be asked of any library of papers, for benchmarks that count time and not answers."""

import json
from collections.abc import Sequence
from pathlib import Path

ANY = (
    "How is the method evaluated, and on which data sets?",
    "What are the limitations of the approach?",
    "Which problem do the authors want to solve?",
    "What is the difference between supervised and reinforcement learning?",
    "How do agents communicate with each other?",
    "Which baselines does the new model beat, and by how much?",
    "What happens when the training data is noisy?",
    "How many parameters does the largest model have?",
    "What do the authors plan as future work?",
    "Why is attention used instead of recurrence?",
    "Which loss function is minimised during training?",
    "What does the ablation study show about the single parts of the model?",
    "How long did training take, and on what hardware?",
    "What risks do the authors see when such systems are deployed?",
    "How is the context of an agent represented?",
    "Which of the tasks remains hard even for large language models?",
    "What is meant by memory in a system of several agents?",
    "How were the human annotators chosen and paid?",
    "Under which assumptions does the proof of convergence hold?",
    "In a nutshell, what is the main idea?",
)


def questions(files: Sequence[Path]) -> tuple[str, ...]:
    """Those of the files, JSON lines with `question`; without files, twenty that suit any paper."""
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return tuple(json.loads(line)["question"] for line in lines) or ANY
