"""The list of abuse cases tells the truth: every proof it names is there, and every proof has its line."""

import ast
import re

import pytest

from tests.test_architecture import ROOT

LINES = [line for path in sorted((ROOT / "docs").glob("abuse-cases*.md")) for line in path.read_text().splitlines()]
CASE = re.compile(r"[A-Z]+-\d\d")
TEST_FILE = re.compile(r"\w+\.py\b")


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


ROWS = [cells(line) for line in LINES if CASE.match(cells(line)[0])]


def proved_in(path):
    """The ids of all ``abuse`` markers of a test file."""
    marks = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    marks = [node for node in marks if isinstance(node.func, ast.Attribute) and node.func.attr == "abuse"]
    return {ast.literal_eval(argument) for node in marks for argument in node.args}


PROVED = {path.name: proved_in(path) for path in (ROOT / "tests").glob("*.py")}


def test_every_case_has_one_row_of_four_cells_that_all_say_something():
    ids = [row[0] for row in ROWS]

    assert len(ids) > 50
    assert sorted(ids) == sorted(set(ids))
    assert [row for row in ROWS if len(row) != 4 or not all(row) or not CASE.fullmatch(row[0])] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_file_that_a_row_names_proves_its_case(row):
    case, proof = row[0], row[-1]

    assert [name for name in TEST_FILE.findall(proof) if case not in PROVED.get(name, set())] == []


def test_every_case_that_a_test_proves_has_a_row():
    told = {row[0] for row in ROWS}

    assert {name: cases - told for name, cases in PROVED.items() if cases - told} == {}
