import numpy as np

from fury import actor, window

scene = window.Scene()
scene.background = (0.5, 0.5, 0.5, 1)
centers = np.array([[i, j, 0] for i in range(8) for j in range(8)])
colors = np.array([[(i + j) % 2] * 3 for i in range(8) for j in range(8)], dtype=float)
scene.add(actor.square(centers, colors=colors, material="basic"))
window.ShowManager(scene=scene, size=(600, 600)).start()
