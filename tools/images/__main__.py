"""`python -m tools.images [NAME…]`: build images and print what they weigh."""

import sys

from tools import cache
from tools.errors import ToolError
from tools.images import contents, engine
from tools.images.catalogue import IMAGES, Image
from tools.progress import Progress


def main(names: list[str]) -> int:
    """Build the named images, or all; return the exit status."""
    try:
        for image in choose(names):
            weigh(image, build(image))
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(image: Image) -> int:
    """Build an image and keep its archive; return what its layers above the base unpack to, in bytes."""
    builder = engine.find()
    # Clones share the engine's store: another clone's image of the same name must not come between build and save.
    with cache.locked(cache.home() / "images"), Progress(f"image {image.name}"):
        builder.build(image)
        image.archive.parent.mkdir(parents=True, exist_ok=True)
        partial = image.archive.with_suffix(".partial")
        builder.save(image.reference, partial)
        partial.replace(image.archive)
    return sum(contents.layers(image.archive)[builder.base_layers() :])


def weigh(image: Image, above: int) -> None:
    """Print what an image weighs; refuse one that is over its budget."""
    megabytes = above / 1e6
    print(f"{image.reference}: {megabytes:.0f} MB above the base, budget {image.budget}", flush=True)
    if megabytes > image.budget:
        raise ToolError(
            f"{image.name} is {megabytes - image.budget:.0f} MB over its budget", "drop a dependency"
        )


def choose(names: list[str]) -> list[Image]:
    """Return the images of these names, or all."""
    known = {image.name: image for image in IMAGES}
    if unknown := sorted(set(names) - known.keys()):
        raise ToolError(f"there is no image {', '.join(unknown)}", f"take some of {', '.join(known)}")
    return [known[name] for name in names] or list(IMAGES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
