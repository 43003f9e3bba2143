import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[-6, 0, 0], [0, 0, 0], [6, 0, 0]])
lengths = np.array([[2, 1, 1], [1, 2, 1], [1, 1, 2]])
scene.add(actor.ellipsoid(centers, lengths=lengths, colors=(0.2, 0.6, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
