import numpy as np

from fury import actor, window

scene = window.Scene()
for i, roundness in enumerate([(0.2, 0.2), (1, 1), (2, 2), (3, 3)]):
    scene.add(actor.superquadric(np.array([[3.0 * i, 0, 0]]), roundness=roundness, colors=(1, 0, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
