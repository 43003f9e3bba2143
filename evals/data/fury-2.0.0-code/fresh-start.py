import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.sphere(np.array([[-3, 0, 0], [0, 0, 0], [3, 0, 0]])))
scene.clear()
scene.add(actor.frustum(np.zeros((1, 3)), colors=(0, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
