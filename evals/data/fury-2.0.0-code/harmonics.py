import numpy as np

from fury import actor, window

scene = window.Scene()
coefficients = np.zeros((3, 1, 1, 9), dtype=np.float32)
for voxel, coefficient in enumerate([0, 2, 6]):
    coefficients[voxel, 0, 0, coefficient] = 1
scene.add(actor.sph_glyph(coefficients, sphere=(40, 40)))
window.ShowManager(scene=scene, size=(600, 600)).start()
