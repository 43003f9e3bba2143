import numpy as np

from fury import actor, window

scene = window.Scene()
scene.background = (1, 1, 1, 1)
scene.add(actor.sphere(np.zeros((1, 3)), colors=(1, 0, 0), radii=2))
window.ShowManager(scene=scene, size=(600, 600)).start()
