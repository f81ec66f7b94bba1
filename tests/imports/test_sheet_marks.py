"""Cells of a workbook that come as empty and are not: errors, and the parts of merged cells."""

import io

import pytest
import xlsxwriter

from ops.imports.reading import sheet_marks
from ops.imports.reading.records import Unreadable
from tests.exports import opened, read, workbook

HEAD = ("Patient ID", "First Name", "DND", "Blocked")


def book(fill) -> bytes:
    """A workbook of HEAD and what `fill(sheet)` writes below, starting one column in."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as made:
        made.add_worksheet("Else & more").hide()
        sheet = made.add_worksheet('A "list" & more')
        sheet.activate()
        sheet.write_row(2, 1, HEAD)
        fill(sheet)
    return file.getvalue()


def test_an_error_in_a_column_of_refusals_is_no_no():
    def fill(sheet):
        sheet.write_row(3, 1, ("1", "Ada"))
        sheet.write_formula(3, 3, "=NA()", None, "#N/A")
        sheet.write_row(4, 1, ("2", "Bea", "no", "no"))

    (bea,), (ada,) = read(book(fill), "b.xlsx")
    assert (bea.external_id, ada.reasons) == ("2", ("DND: '#ERROR!' is neither yes nor no",))


@pytest.mark.parametrize(("column", "reason"), [(1, "patient's number"), (2, "'#ERROR!' is not a name")])
def test_an_error_is_neither_a_number_nor_a_name(column, reason):
    def fill(sheet):
        sheet.write_row(3, 1, ("1", "Ada", "no", "no"))
        sheet.write_formula(3, column, "=NA()", None, "#N/A")

    good, (bad,) = read(book(fill), "b.xlsx")
    assert good == [] and reason in bad.reasons[0]


def test_every_part_of_a_merged_cell_says_what_the_whole_says():
    def fill(sheet):
        sheet.merge_range(0, 1, 1, 4, "Our clients")
        for row, name in enumerate(("Ada", "Bea", "Cleo"), 3):
            sheet.write_row(row, 1, (str(row), name, "no", "no"))
        sheet.merge_range(3, 3, 4, 3, "Yes")
        sheet.merge_range(5, 3, 5, 4, "yes")

    good, bad = read(book(fill), "b.xlsx")
    assert bad == []
    assert [[out.source for out in row.opt_outs] for row in good] == [["DND"], ["DND"], ["DND", "Blocked"]]


def test_errors_of_another_sheet_are_not_this_ones():
    def fill(sheet):
        sheet.write_row(3, 1, ("1", "Ada", "no", "no"))

    content = book(fill)
    assert sheet_marks.error_cells(io.BytesIO(content), 'A "list" & more', "b.xlsx") == {}
    assert len(read(content, "b.xlsx")[0]) == 1


def test_more_marks_than_are_kept_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(sheet_marks, "MAX_MARKS", 3)
    with pytest.raises(Unreadable, match="more than 3 cells are merged"):
        read(book(lambda sheet: sheet.merge_range(3, 1, 3, 4, "x")), "b.xlsx")
    with pytest.raises(Unreadable, match="hold an error"):
        read(book(lambda sheet: [sheet.write_formula(3, at, "=NA()", None, "#N/A") for at in range(1, 5)]), "b.xlsx")


def test_every_other_sheet_is_named_hidden_ones_too():
    (note,) = opened(book(lambda sheet: None), "b.xlsx").notes
    assert note == "Only the sheet 'A \"list\" & more' is read; not read: Else & more (hidden)."
    (note,) = opened(workbook([HEAD], ["More", "Old"]), "b.xlsx").notes
    assert note == "Only the sheet 'Clients' is read; not read: More, Old."
    (note,) = opened(workbook([HEAD], [f"S{number}" for number in range(50)]), "b.xlsx").notes
    assert note.endswith("S18, S19 and 30 more.")
