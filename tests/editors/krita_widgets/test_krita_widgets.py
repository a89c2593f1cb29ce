"""The docker's widgets without Krita, drawn offscreen by the Qt that is installed here (PyQt6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

QtTest = pytest.importorskip("PyQt6.QtTest", reason="THE WIDGETS WERE NOT TESTED: no PyQt6")
from PyQt6.QtCore import QPoint, Qt  # noqa: E402
from PyQt6.QtWidgets import QApplication, QScrollArea  # noqa: E402


def job(values: Any, state: str, name: str = "a") -> Any:
    return values.Job(name, "krita", values.JobState(state))


def test_the_widgets_run_under_pyqt6(plugin: Any) -> None:
    assert plugin("qt").QtCore.__name__ == "PyQt6.QtCore"


def test_a_form_comes_out_as_it_went_in(panel: Any, plugin: Any, values: Any) -> None:
    form_module = plugin("link.form")
    form = form_module.Form(
        prompt="a red apple",
        negative_prompt="blur",
        model="big",
        sampler="euler",
        steps=33,
        guidance_scale=6.5,
        strength=0.37,
        seed=4294967295,
        batch=3,
        padding=48,
        intent=values.Intent.REMOVE,
        prefill=values.Prefill.NOISE,
        mask=values.MaskSettings(grow=5.0, feather=0.0),
        mask_percent=values.MaskSettings(blend=2.5),
        colour_match=False,
        focus=True,
        gradient_domain=True,
    )
    panel.show_form(form)
    assert panel.form() == form


def test_every_context_can_be_chosen(panel: Any, plugin: Any) -> None:
    form_module = plugin("link.form")
    for context in plugin("link.geometry").Context:
        panel.show_form(form_module.Form(context=context, sampler="euler", model="starter"))
        assert panel.form().context is context
        assert panel.form().padding is None


def test_the_context_is_chosen_at_top_level(panel: Any) -> None:
    assert not panel.fields.fold.is_open()
    assert panel.fields.context.choice.isVisible()
    assert not panel.fields.selection.intent.isVisible()


def test_the_context_can_be_marked_by_a_layer(panel: Any, plugin: Any) -> None:
    context, wording = panel.fields.context, plugin("link.wording")
    assert not context.marked_by.isVisible()
    context.layers_wanted.connect(lambda: context.offer_layers(["sky", "boat", "sea"]))
    at = [value for _, value in wording.CONTEXTS].index(wording.MARKED)
    context.choice.setCurrentIndex(at)
    context.choice.activated.emit(at)
    assert context.marked_by.isVisible()
    assert panel.form().marked_by == "sky", "the active layer, where none was named"
    context.marked_by.setCurrentIndex(2)
    assert panel.form().marked_by == "sea"
    context.offer_layers(["boat"])
    assert panel.form().marked_by == "sea", "what was named stays named"
    context.choice.setCurrentIndex(0)
    assert panel.form().marked_by is None
    assert not context.marked_by.isVisible()
    form = plugin("link.form").Form(marked_by="boat", sampler="euler", model="starter")
    panel.show_form(form)
    assert panel.form() == form


@pytest.mark.parametrize("name", ["grow", "feather", "blend"])
def test_a_width_is_automatic_or_in_pixels_or_in_percent(
    panel: Any, plugin: Any, name: str
) -> None:
    wording = plugin("link.wording")
    edge = panel.fields.selection.edges[name]
    seen: list[Any] = []
    panel.edited.connect(lambda: seen.append(panel.form()))
    assert edge.number.text() == "Auto"
    edge.number.setValue(12)
    assert (getattr(seen[-1].mask, name), getattr(seen[-1].mask_percent, name)) == (12.0, None)
    edge.unit.setCurrentText(wording.PERCENT)
    assert (getattr(seen[-1].mask, name), getattr(seen[-1].mask_percent, name)) == (None, 12.0)
    edge.number.setValue(2.5)
    assert getattr(seen[-1].mask_percent, name) == 2.5
    edge.number.setValue(5000)
    assert getattr(seen[-1].mask_percent, name) == 100.0
    edge.number.setValue(edge.number.minimum())
    assert (getattr(seen[-1].mask, name), getattr(seen[-1].mask_percent, name)) == (None, None)
    assert edge.number.text() == "Auto"


def test_every_field_of_context_and_fold_says_what_it_does(panel: Any, plugin: Any) -> None:
    context, selection = panel.fields.context, panel.fields.selection
    tips = plugin("link.wording").TIPS
    assert context.choice.toolTip() == tips["context"]
    for name in ("padding", "marked_by"):
        assert getattr(context, name).toolTip() == tips[name]
    for name in ("intent", "prefill", "colour_match", "gradient_domain", "focus"):
        assert getattr(selection, name).toolTip() == tips[name]
    for name, edge in selection.edges.items():
        assert edge.toolTip() == tips[name]


def test_the_button_tells_more_when_it_is_pointed_at(panel: Any, plugin: Any) -> None:
    remove = plugin("link.form").Action.REMOVE
    panel.show_action(remove.label, True, remove.tip)
    assert panel.button.text() == "Remove"
    assert panel.button.toolTip() == remove.tip + " (Ctrl+Enter)"
    panel.show_action("Generate", False, "Open a picture first.")
    assert panel.button.toolTip() == "Open a picture first."


def test_samplers_that_the_model_cannot_use_are_greyed(panel: Any) -> None:
    fields = panel.fields
    assert fields.model.currentText() == "Starter"
    items = fields.sampler.model()
    assert [items.item(row).isEnabled() for row in range(2)] == [True, False]
    fields.model.setCurrentIndex(1)
    items = fields.sampler.model()
    assert [items.item(row).isEnabled() for row in range(2)] == [True, True]


def test_choosing_a_model_brings_its_own_settings(panel: Any) -> None:
    panel.fields.model.setCurrentIndex(1)
    panel.fields.model.activated.emit(1)
    form = panel.form()
    assert (form.model, form.sampler, form.steps, form.guidance_scale) == ("big", "lcm", 6, 1.5)


def test_a_small_model_fits_its_edges_and_a_large_one_does_not(panel: Any) -> None:
    assert panel.form().gradient_domain
    panel.fields.model.setCurrentIndex(1)
    panel.fields.model.activated.emit(1)
    assert not panel.form().gradient_domain


def test_a_model_that_is_not_offered_yet_stays_chosen(plugin: Any, capabilities: Any) -> None:
    made = plugin("panel").Panel()
    made.show_form(plugin("link.form").Form(model="big", sampler="euler", steps=9))
    made.capabilities_changed(capabilities)
    assert (made.form().model, made.form().sampler, made.form().steps) == ("big", "euler", 9)


def test_dragging_the_slider_sets_the_number(panel: Any) -> None:
    strength = panel.fields.strength
    edit = strength.lineEdit()
    middle = QPoint(edit.width() // 4, edit.height() // 2)
    QtTest.QTest.mouseClick(edit, Qt.MouseButton.LeftButton, pos=middle)
    assert 20 <= strength.value() <= 30


def test_a_number_can_be_typed_into_the_slider(panel: Any) -> None:
    steps = panel.fields.steps
    QtTest.QTest.mouseDClick(steps.lineEdit(), Qt.MouseButton.LeftButton)
    QtTest.QTest.keyClicks(steps.lineEdit(), "42")
    QtTest.QTest.keyClick(steps.lineEdit(), Qt.Key.Key_Return)
    assert panel.form().steps == 42


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("strength", "40", 0.4),
        ("steps", "33", 33),
        ("guidance_scale", "6.5", 6.5),
        ("batch", "3", 3),
    ],
)
def test_a_number_that_is_being_typed_counts_at_the_start_and_is_left_alone_before(
    panel: Any, name: str, typed: str, value: float
) -> None:
    field = getattr(panel.fields, name)
    QtTest.QTest.mouseDClick(field.lineEdit(), Qt.MouseButton.LeftButton)
    QtTest.QTest.keyClicks(field.lineEdit(), typed)
    assert getattr(panel.form(), name) != value
    assert field.text().startswith(typed)
    panel.fields.commit()
    assert getattr(panel.form(), name) == value


def test_taking_up_what_is_typed_changes_nothing_else(panel: Any, plugin: Any, values: Any) -> None:
    form = plugin("link.form").Form(
        model="big",
        sampler="euler",
        seed=4294967295,
        strength=0.37,
        padding=48,
        mask=values.MaskSettings(grow=5.0),
        mask_percent=values.MaskSettings(blend=2.5),
    )
    panel.show_form(form)
    panel.fields.commit()
    assert panel.form() == form


def test_control_enter_starts_when_the_button_could(panel: Any) -> None:
    starts: list[int] = []
    panel.start.connect(lambda: starts.append(1))
    control = Qt.KeyboardModifier.ControlModifier
    panel.show_action("Generate", False, "Open a picture first.")
    QtTest.QTest.keyClick(panel.prompt, Qt.Key.Key_Return, control)
    assert starts == []
    panel.show_action("Fill", True)
    QtTest.QTest.keyClick(panel.prompt, Qt.Key.Key_Return, control)
    assert starts == [1]
    assert panel.button.text() == "Fill"
    QtTest.QTest.keyClick(panel.prompt, Qt.Key.Key_Return)
    assert panel.prompt.toPlainText() == "\n"


def test_a_random_seed_shows_the_last_one_and_can_be_held(panel: Any) -> None:
    panel.fields.seed.set_seed(None)
    panel.show_seed(99)
    assert panel.form().seed is None
    panel.fields.seed._random.setChecked(False)
    assert panel.form().seed == 99


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "Time not known yet"),
        (12.2, "About 12 s on this computer"),
        (0.2, "About 1 s on this computer"),
        (80, "About 1 min 20 s on this computer"),
        (119.6, "About 2 min on this computer"),
        (590, "About 10 min on this computer"),
    ],
)
def test_the_time_is_said_before_the_start(panel: Any, seconds: float | None, text: str) -> None:
    panel.show_estimate(seconds)
    assert panel.estimate.text() == text


def test_progress_shows_step_time_and_picture(panel: Any, values: Any) -> None:
    panel.job_changed(job(values, "running"))
    size = values.Size(4, 3)
    panel.progress(values.Progress("a", 1, 3, 20, 5.4, size), b"\x80" * 36)
    assert panel.progress_line.text() == "Step 3 of 20, 5 s left"
    assert panel.progress_line.value() == 3
    assert panel.preview.isVisible()
    assert panel.cancel_button.isVisible()


def test_what_is_shown_while_working_goes_with_the_job(panel: Any, values: Any) -> None:
    panel.job_changed(job(values, "running"))
    panel.progress(values.Progress("a", 1, 3, 20, None, values.Size(4, 3)), b"\x80" * 36)
    panel.job_changed(job(values, "cancelled"))
    assert not panel.progress_line.isVisible()
    assert not panel.preview.isVisible()
    assert not panel.cancel_button.isVisible()


def test_cancel_means_the_job_that_runs_not_the_one_that_waits(panel: Any, values: Any) -> None:
    cancelled: list[str] = []
    panel.cancel.connect(cancelled.append)
    panel.job_changed(job(values, "queued", "waits"))
    panel.job_changed(job(values, "running", "runs"))
    panel.progress(values.Progress("runs", 1, 1, 2), b"")
    assert panel.progress_line.text() == "Step 1 of 2 (1 more waiting)"
    panel.cancel_button.click()
    assert cancelled == ["runs"]


def test_an_error_is_shown_as_plain_text_with_its_hint(panel: Any, plugin: Any) -> None:
    errors = plugin("link.errors")
    panel.failed(errors.ErrorInfo(errors.ErrorCode.BUSY, "<b>No</b> memory.", "Select less."))
    assert panel.message.text() == "<b>No</b> memory. Select less."
    panel.started()
    assert panel.message.text() == ""


def test_what_is_special_about_a_result_is_told(panel: Any, values: Any) -> None:
    metadata = {"seed": 7, "note": "The gap was closed without it."}
    result = values.Result("a", 0, values.Region(0, 0, 1, 1), "blob", metadata)
    panel.finished(result, "Removed")
    assert panel.message.text() == "The gap was closed without it."
    panel.started()
    panel.finished(values.Result("a", 1, values.Region(0, 0, 1, 1), "blob", {"seed": 8}), "Removed")
    assert panel.message.text() == ""


@pytest.mark.parametrize("name", ["model", "sampler"])
def test_a_list_that_the_artist_has_open_is_filled_once_it_is_closed(
    panel: Any, values: Any, capabilities: Any, name: str
) -> None:
    box, models = getattr(panel.fields, name), panel.fields.model
    models.setCurrentIndex(1)
    box.showPopup()
    assert box.view().isVisible()
    more = replace(capabilities.models[0], id="painter", name="Painter")
    panel.capabilities_changed(
        values.Capabilities((more, *capabilities.models), capabilities.samplers)
    )
    QtTest.QTest.qWait(300)
    assert [models.itemText(row) for row in range(models.count())] == ["Starter", "Big"]
    box.hidePopup()
    for _ in range(200):
        if models.count() == 2:
            QtTest.QTest.qWait(50)
    assert models.itemText(0) == "Painter"
    assert panel.form().model == "big", "what was chosen stays chosen"


def test_the_hint_at_larger_models_goes_when_there_is_one(
    panel: Any, values: Any, capabilities: Any
) -> None:
    assert not panel.model_hint.isVisible()
    starter = values.Capabilities(capabilities.models[:1], capabilities.samplers)
    panel.capabilities_changed(starter)
    assert panel.model_hint.isVisible()
    assert "starter" in panel.model_hint.text()
    panel.capabilities_changed(values.Capabilities((), capabilities.samplers))
    assert "no model" in panel.model_hint.text()


def test_the_docker_can_be_made_narrow(panel: Any) -> None:
    panel.fields.fold.set_open(True)
    QApplication.processEvents()
    contents = panel.findChild(QScrollArea).widget()
    assert contents.minimumSizeHint().width() <= 240


def test_the_panel_draws_itself(panel: Any, values: Any, tmp_path: Path) -> None:
    picture = panel.grab()
    assert picture.save(str(tmp_path / "panel.png"))
    colours = {
        picture.toImage().pixel(x, y)
        for x in range(0, picture.width(), 7)
        for y in range(0, picture.height(), 7)
    }
    assert len(colours) > 3
