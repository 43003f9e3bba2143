import numpy as np
from PIL import Image

from fury import actor, window
from fury.io import load_cube_map_texture

names = []
for i, color in enumerate([(200, 80, 80), (80, 200, 80), (80, 80, 200), (200, 200, 80), (80, 200, 200), (200, 80, 200)]):
    names.append(f"/tmp/side{i}.png")
    Image.fromarray(np.full((64, 64, 3), color, dtype=np.uint8)).save(names[-1])
scene = window.Scene(skybox=load_cube_map_texture(names))
scene.add(actor.sphere(np.zeros((1, 3)), colors=(0.7, 0.7, 0.7)))
window.ShowManager(scene=scene).start()
