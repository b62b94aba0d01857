"""Annotate an image without a viewer: `python annotate.py [FOLDER]`.

Needs no network: the model is in the package, the image comes with scikit-image.
"""

from __future__ import annotations

import sys
from pathlib import Path

from skimage import data, io

import tilesam

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "annotated-coins")
folder.mkdir(parents=True, exist_ok=True)
image = folder / "coins.png"
io.imsave(image, data.coins())

# Nothing is embedded before the first prompt.
session = tilesam.Session.open(image, model="tiny")

# A point has three answers, the one that the network believes in most comes first.
candidates = session.prompt(points_yx=[(52, 216)])
for candidate in candidates:
    print(
        f"IoU {candidate.predicted_iou:.2f}, "
        f"stability {candidate.stability_score:.2f}, {candidate.area} pixels"
    )
chosen = max(candidates, key=lambda candidate: candidate.stability_score)
session.accept(chosen)

# From here on every step is on the disk when the call returns.
path = session.save(folder / "coins.sam.json", replacing=True)

# A box says more than a point: its first answer is mostly the right one.
best, *others = session.prompt(boxes_yxyx=[(98, 20, 148, 72)])
label = session.accept(best)

session.undo()
print(f"without object {label}: {[row.label for row in session.objects]}")
session.redo()
for row in session.objects:
    print(f"object {row.label}: {row.prompt_kind}, {row.area} pixels")
session.close()

# Another day: image, model, objects and steps to undo are back.
with tilesam.Session.replay(path) as session:
    print(f"{len(session.objects)} objects, labels {session.labels.shape}")
    session.export(folder / "coins.geojson")
    session.export(folder / "coins.ome.zarr")
