"""Fills without a window: what a script gets, in every kind of image."""

import os
import time

import gimp_screen as screen
from gi.repository import Gegl, Gimp, Gio
from scumble_gimp.canvas import GimpCanvas
from scumble_gimp.keep import last_form, remember_form
from scumble_gimp.link.form import Form
from scumble_gimp.link.values import Region, Result

DEPTHS = ("U8", "U16", "U32", "HALF", "FLOAT")


def _filled(image, **arguments):
    """Facts of one fill of the selection."""
    before, mask = screen.visible(image), screen.selected(image)
    bounds = Gimp.Selection.bounds(image)
    status, names = screen.call(
        "scumble-fill", image, prompt="a tree", seed=3, steps=3, **arguments
    )
    facts = {"status": status, "names": names, "layers": screen.names(image)}
    if status == "success":
        facts["layer"] = screen.place(image.get_layers()[0])
        facts["bounds"] = [bounds.x1, bounds.y1, bounds.x2 - bounds.x1, bounds.y2 - bounds.y1]
        after = screen.visible(image)
        facts["outside"], facts["inside"] = screen.changed(before, after, mask, image.get_width())
    return facts


def fill_soft_selection():
    image = screen.image_of(400, 300)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 120, 80, 120, 90)
    Gimp.Selection.feather(image, 12)
    facts = _filled(image)
    layer = image.get_layers()[0]
    x, y, width, height = screen.place(layer)
    alpha = bytes(
        layer.get_buffer().get(
            Gegl.Rectangle.new(0, 0, width, height), 1.0, "A u8", Gegl.AbyssPolicy.NONE
        )
    )
    mask = screen.selected(image)
    inside = [
        mask[(y + row) * 400 + x + column] for row in range(height) for column in range(width)
    ]
    facts["different_alphas"] = len(set(alpha))
    facts["alpha_above_selection"] = sum(a > m for a, m in zip(alpha, inside))
    facts["mask"] = str(layer.get_mask())
    return facts


def fill_every_precision():
    """8, 16 and 32 bits, whole numbers and floats, linear and perceptual, colour and grey."""
    rgb, grey = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY
    kinds = [(rgb, depth + "_" + curve) for depth in DEPTHS for curve in ("LINEAR", "NON_LINEAR")]
    kinds += [(rgb, "U8_PERCEPTUAL"), (rgb, "FLOAT_PERCEPTUAL")]
    kinds += [(grey, "U8_NON_LINEAR"), (grey, "U16_LINEAR"), (grey, "FLOAT_LINEAR")]
    facts = {}
    for base, precision in kinds:
        image = screen.image_of(160, 120, base, getattr(Gimp.Precision, precision))
        screen.select(image, 40, 30, 70, 60)
        facts["%s %s" % (base.value_nick, precision)] = _filled(image)
    return facts


def colours_of_a_profile():
    """What the engine would get of a picture with a profile, and what the layer becomes in it.

    The test wrote profiled.png and reads back kept.DEPTH.png.
    """
    facts = {}
    for depth in ("U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"):
        image = screen.keep(Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, _file("profiled.png")))
        usual = image.get_precision()
        if getattr(Gimp.Precision, depth) != usual:
            image.convert_precision(getattr(Gimp.Precision, depth))
        canvas = GimpCanvas(image)
        seen = canvas.snapshot(Region(8, 8, 16, 16), False).pixels[:4]
        pasted = Result("job " + depth, 0, Region(0, 0, 8, 8), "blob")
        canvas.paste(canvas.document(), pasted, bytes((70, 130, 180, 255)) * 64, "flat blue")
        if image.get_precision() != usual:
            image.convert_precision(usual)
        image.flatten()
        kept = "kept.%s.png" % depth
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, _file(kept), None)
        profile = image.get_color_profile().get_label()
        facts[depth] = {"profile": profile, "seen": list(seen), "kept": kept}
    return facts


def colours_in_every_precision():
    """What is pasted is what is seen there, its soft edge too, and all round it stays."""
    facts = {}
    inside, size = Region(10, 8, 32, 16), 48
    row = b"".join(bytes((70, 130, 180, min(255, 16 * x))) for x in range(inside.width))
    for base in (Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY):
        for depth in DEPTHS:
            for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL"):
                precision = getattr(Gimp.Precision, depth + "_" + curve)
                image = screen.image_of(size, size, base, precision)
                canvas = GimpCanvas(image)
                before = screen.visible(image)
                pasted = Result("job", 0, inside, "blob")
                canvas.paste(canvas.document(), pasted, row * inside.height, "blue")
                layer = image.get_layers()[0]
                whole = Gegl.Rectangle.new(0, 0, inside.width, 1)
                alpha = layer.get_buffer().get(whole, 1.0, "A u8", Gegl.AbyssPolicy.NONE)
                opaque = Region(inside.x + 20, inside.y, 8, 8)
                mask = bytes(
                    255 * (inside.x <= x < inside.right and inside.y <= y < inside.bottom)
                    for y in range(size)
                    for x in range(size)
                )
                facts["%s %s_%s" % (base.value_nick, depth, curve)] = {
                    "place": screen.place(layer),
                    "seen": list(canvas.snapshot(opaque, False).pixels[:4]),
                    "alpha": list(bytes(alpha)),
                    "outside": screen.changed(before, screen.visible(image), mask, size)[0],
                }
    return facts


def where_a_large_layer_is_painted():
    """Its bounds, and how long the window waits for them."""
    facts = {}
    for precision in ("U8_NON_LINEAR", "FLOAT_LINEAR"):
        image = screen.image_of(4000, 3000, precision=getattr(Gimp.Precision, precision))
        kind = Gimp.ImageType.RGBA_IMAGE
        for name, place in (("mark", (300, 200, 170, 150)), ("edge", (3990, 0, 10, 3000))):
            layer = Gimp.Layer.new(image, name, 4000, 3000, kind, 100.0, Gimp.LayerMode.NORMAL)
            image.insert_layer(layer, None, 0)
            buffer = layer.get_buffer()
            painted = bytes((9, 9, 9, 255)) * place[2] * place[3]
            buffer.set(Gegl.Rectangle.new(*place), screen.PIXELS, painted)
            buffer.flush()
            layer.update(0, 0, 4000, 3000)
        empty = Gimp.Layer.new(image, "empty", 4000, 3000, kind, 100.0, Gimp.LayerMode.NORMAL)
        image.insert_layer(empty, None, 0)
        found, waits = {}, []
        for name in ("mark", "edge", "empty", "below"):
            for _ in range(2):
                began = time.perf_counter()
                bounds = GimpCanvas(image).layer_bounds(name)
                waits.append((time.perf_counter() - began) * 1000)
            found[name] = [bounds.x, bounds.y, bounds.width, bounds.height]
        facts[precision] = {"found": found, "median_ms": sorted(waits)[len(waits) // 2]}
    return facts


def _file(name):
    return Gio.File.new_for_path(os.path.join(os.path.expanduser("~"), name))


def refuse_what_cannot_be():
    image = screen.image_of(100, 80)
    facts = {"nothing": screen.call("scumble-fill", image, prompt="x")}
    facts["repeat"] = screen.call("scumble-repeat", image)
    screen.select(image, 10, 10, 40, 40)
    facts["model"] = screen.call("scumble-fill", image, prompt="x", model="no such model")
    facts["sampler"] = screen.call("scumble-fill", image, prompt="x", sampler="no such sampler")
    facts["long"] = screen.call("scumble-fill", image, prompt="x" * 9000)
    facts["units"] = screen.call("scumble-fill", image, prompt="x", grow=4.0, grow_percent=2.0)
    image.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.WEB, 0, False, False, ""
    )
    facts["indexed"] = screen.call("scumble-fill", image, prompt="x")
    facts["layers"] = len(image.get_layers())
    return facts


def visible_is_what_is_seen():
    """What is read of a rectangle equals GIMP's own composite of the whole image there."""
    facts = {}
    for precision in ("U8_NON_LINEAR", "FLOAT_LINEAR"):
        image = screen.image_of(300, 200, precision=getattr(Gimp.Precision, precision))
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        group.set_mode(Gimp.LayerMode.PASS_THROUGH)
        for at, (mode, parent) in enumerate(
            (
                (Gimp.LayerMode.MULTIPLY, group),
                (Gimp.LayerMode.OVERLAY, group),
                (Gimp.LayerMode.NORMAL, None),
                (Gimp.LayerMode.NORMAL, None),
                (Gimp.LayerMode.SCREEN, None),
            )
        ):
            _patch(image, parent, mode, at)
        hidden, masked, filtered = image.get_layers()[:3]
        hidden.set_visible(False)
        masked.add_mask(masked.create_mask(Gimp.AddMaskType.COPY))
        filtered.append_filter(Gimp.DrawableFilter.new(filtered, "gegl:gaussian-blur", "blur"))
        region = Region(40, 30, 170, 120)
        seen = GimpCanvas(image).snapshot(region, False).pixels
        whole = screen.visible(image)
        rows = range(region.y, region.bottom)
        there = b"".join(
            whole[4 * (300 * row + region.x) : 4 * (300 * row + region.right)] for row in rows
        )
        facts[precision] = {"equal": seen == there, "colours": len(set(there))}
    return facts


def _patch(image, parent, mode, at):
    """A half transparent layer of two colours, smaller than the canvas."""
    kind = Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "patch %d" % at, 120, 90, kind, 60.0, mode)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(20 + 25 * at, 10 + 20 * at)
    buffer = layer.get_buffer()
    for x, colour in ((0, (250, 40 * at, 30, 200)), (60, (20, 200, 60 * at, 255))):
        half = Gegl.Rectangle.new(x, 0, 60, 90)
        buffer.set(half, screen.PIXELS, bytes(colour) * 60 * 90)
    buffer.flush()
    layer.update(0, 0, 120, 90)


def generate_refine_and_repeat():
    image = screen.image_of(200, 160)
    facts = {
        "generate": screen.call("scumble-generate", image, prompt="a sea", seed=1, steps=2),
        "refine": screen.call(
            "scumble-refine", image, prompt="a sea in fog", seed=1, steps=2, strength=0.5, results=2
        ),
    }
    remember_form(image, Form(prompt="a boat", steps=2, seed=4))
    facts["repeat"] = screen.call("scumble-repeat", image)
    last = Gimp.RunMode.WITH_LAST_VALS
    facts["last_values"] = screen.call("scumble-generate", image, run_mode=last)
    facts["recovered"] = screen.call("scumble-recovered", image)
    facts["layers"] = len(image.get_layers())
    screen.select(image, 30, 30, 64, 64)
    for whole in (True, False):
        remember_form(image, Form(prompt="a boat", steps=2, seed=4), whole)
        screen.call("scumble-repeat", image)
        facts["whole" if whole else "selected"] = screen.place(image.get_layers()[0])
    return facts


def fill_with_every_argument():
    """Arguments reach the request: the test reads it in the daemon's journal."""
    image = screen.image_of(300, 200)
    screen.select(image, 100, 60, 80, 80)
    arguments = {
        "prompt": "all of it",
        "negative_prompt": "nothing",
        "sampler": "euler",
        "steps": 3,
        "guidance": 3.5,
        "strength": 0.8,
        "seed": 12,
        "context": "padding",
        "padding": 24,
        "intent": "add",
        "prefill": "blur",
        "grow": 5.0,
        "feather": 2.0,
        "blend_percent": 25.0,
        "colour_match": False,
        "focus": True,
        "gradient_domain": True,
    }
    return {"filled": screen.call("scumble-fill", image, **arguments)}


def fill_an_empty_image():
    image = screen.keep(Gimp.Image.new(120, 100, Gimp.ImageBaseType.RGB))
    return {"generate": screen.call("scumble-generate", image, prompt="a sea", seed=1, steps=2)}


def cancel_from_outside():
    """The test cancels the job in the daemon; the caller is told."""
    image = screen.image_of(200, 160)
    screen.select(image, 20, 20, 90, 90)
    screen.ask("told.cancel")
    return {"status": screen.call("scumble-fill", image, prompt="to be cancelled", steps=200)}


def values_travel_in_the_xcf():
    image = screen.image_of(120, 100)
    canvas = GimpCanvas(image)
    name = canvas.document()
    remember_form(image, Form(prompt="a châlet", steps=7, seed=11, padding=12))
    screen.select(image, 20, 20, 50, 50)
    filled = screen.call("scumble-fill", image, prompt="a hut", seed=5, steps=2)
    file = _file("values.xcf")
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    image.delete()
    remember_form(screen.image_of(10, 10), Form(prompt="another"))
    opened = screen.keep(Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file))
    form = last_form(opened)
    metadata = opened.get_layers()[0].get_parasite("scumble-metadata")
    return {
        "filled": filled,
        "form": [form.prompt, form.steps, form.seed, form.padding],
        "same_document": GimpCanvas(opened).document() == name,
        "metadata": bytes(metadata.get_data()).decode("utf-8"),
        "new_image": last_form(screen.image_of(10, 10)).prompt,
    }
