import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[-2, 0, 0], [0, 0, 0], [2, 0, 0]])
colors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
scene.add(actor.cylinder(centers, colors=colors, height=3, directions=(0, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
