"""The fixed prompts of the figures. Written before the U-Net was, never changed by result."""

from __future__ import annotations

from . import captions

_NAMES = """
red apple; green apple; banana; strawberry; lemon; pear; pineapple; watermelon; carrot; tomato;
broccoli; mushroom; bread; croissant; pizza; hamburger; cookie; doughnut; cupcake; ice cream;
egg; cheese wedge; hot dog; lollipop; honey pot; teapot; baby bottle; cocktail glass; bear; panda;
cat; dog; fox; frog; horse; lion; monkey; penguin; pig; rabbit;
owl; duck; fish; whale; turtle; snail; butterfly; lady beetle; honeybee; octopus;
rose; sunflower; tulip; cactus; palm tree; evergreen tree; maple leaf; house; castle; school;
bus; taxi; police car; tractor; bicycle; motorcycle; sailboat; ship; airplane; helicopter;
rocket; train; anchor; umbrella; snowman; balloon; trophy; soccer ball; basketball; kite;
teddy bear; guitar; violin; drum; trumpet; key; hammer; axe; scissors; light bulb;
camera; television; laptop; telephone; book; pencil; envelope; crown; red heart; star
"""
THINGS = tuple(" ".join(name.split()) for name in _NAMES.split(";"))


def all_prompts() -> list[str]:
    """100 prompts: every thing once, the styles in turn."""
    styles = ("3d", "flat")
    return [captions.prompt(thing, styles[i % 2]) for i, thing in enumerate(THINGS)]
