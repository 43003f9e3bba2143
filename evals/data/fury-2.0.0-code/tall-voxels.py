import numpy as np

from fury import actor, window

scene = window.Scene()
mask = np.zeros((20, 20, 20), dtype=np.uint8)
mask[5:15, 5:15, 5:15] = 1
scene.add(actor.contour_from_roi(mask, affine=np.diag([1.0, 1.0, 2.0, 1.0]), color=(1, 1, 0), opacity=0.8))
window.ShowManager(scene=scene, size=(600, 600)).start()
