import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[0, 0, 0], [0, 2.6, 0], [0, 4.5, 0]])
scene.add(actor.sphere(centers, colors=(1, 1, 1), radii=np.array([1.6, 1.2, 0.8])))
scene.add(actor.cone(np.array([[0, 4.5, 1.2]]), colors=(1, 0.5, 0), radii=0.2, directions=(0, 0, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
