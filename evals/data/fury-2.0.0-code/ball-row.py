import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[3.0 * i, 0, 0] for i in range(5)])
colors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1.0]])
scene.add(actor.sphere(centers, colors=colors))
window.ShowManager(scene=scene, size=(600, 600)).start()
