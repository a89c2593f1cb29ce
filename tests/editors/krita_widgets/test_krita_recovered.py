"""What a former Krita left behind is offered in the docker: it can be pasted, and discarded."""

from __future__ import annotations

from typing import Any

import pytest

QtTest = pytest.importorskip("PyQt6.QtTest", reason="THE WIDGETS WERE NOT TESTED: no PyQt6")
from PyQt6.QtCore import Qt  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402


def recovered(values: Any) -> list[Any]:
    region = values.Region(0, 0, 20, 10)
    return [values.Result("j", n, region, "b", {"prompt": "a boat", "seed": n}) for n in (4, 5)]


def texts(menu: Any) -> list[str]:
    return [action.text() for action in menu.actions()]


def test_recovered_results_can_be_pasted(panel: Any, values: Any) -> None:
    pasted: list[Any] = []
    panel.paste.connect(pasted.append)
    results = recovered(values)
    panel.recovered(results)
    assert panel.recovered_button.isVisible()
    menu = panel.recovered_button.menu()
    assert texts(menu) == ["a boat (seed 4), 20 × 10", "a boat (seed 5), 20 × 10", "", "Discard"]
    menu.actions()[1].trigger()
    assert pasted == [results[1]]
    panel.recovered([])
    assert not panel.recovered_button.isVisible()


def test_a_recovered_result_can_be_discarded(panel: Any, values: Any) -> None:
    discarded: list[Any] = []
    panel.discard.connect(discarded.append)
    panel.discard.connect(lambda gone: panel.recovered(results[1:]))
    results = recovered(values)
    panel.recovered(results)
    menu = panel.recovered_button.discard_menu
    assert panel.recovered_button.menu().actions()[-1] is menu.menuAction()
    names = ["a boat (seed 4), 20 × 10", "a boat (seed 5), 20 × 10"]
    assert texts(menu) == ["Discard all…", "", *names]
    menu.actions()[2].trigger()
    QApplication.processEvents()
    assert discarded == [results[:1]]
    assert texts(menu) == names[1:], "one is no “all”"


@pytest.mark.parametrize("answer", ["Cancel", "Discard all", "Escape"])
def test_all_recovered_results_are_discarded_after_a_question_only(
    answer: str, panel: Any, values: Any
) -> None:
    discarded: list[Any] = []
    panel.discard.connect(discarded.append)
    results = recovered(values)
    panel.recovered(results)
    panel.recovered_button.discard_menu.actions()[0].trigger()
    question = QApplication.activeModalWidget()
    assert question.text() == "Discard all 2 recovered results?"
    assert question.defaultButton().text().strip("&") == "Cancel"
    panel.recovered([*results, values.Result("late", 0, results[0].region, "b")])
    QApplication.processEvents()
    assert discarded == []
    if answer == "Escape":
        QtTest.QTest.keyClick(question, Qt.Key.Key_Escape)
    else:
        next(b for b in question.buttons() if b.text().strip("&") == answer).click()
    QApplication.processEvents()
    assert discarded == ([results] if answer == "Discard all" else [])
    assert QApplication.activeModalWidget() is None
