import numpy as np
from PIL import Image

from fury import actor, window

scene = window.Scene()
scene.add(actor.star(np.zeros((1, 3)), colors=(1, 0.5, 0)))
picture = window.snapshot(scene=scene, fname=None, return_array=True)
Image.fromarray(np.ascontiguousarray(picture[::-1])).save("flipped.png")
