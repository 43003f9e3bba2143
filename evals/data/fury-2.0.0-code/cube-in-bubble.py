import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.sphere(np.zeros((1, 3)), colors=(0, 0, 1), radii=3, opacity=0.3))
scene.add(actor.box(np.zeros((1, 3)), colors=(1, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
