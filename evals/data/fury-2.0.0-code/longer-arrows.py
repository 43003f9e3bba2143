import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.array([[2.0 * i, 0, 0] for i in range(5)])
heights = np.arange(1.0, 6.0)
scene.add(actor.arrow(centers, directions=(0, 1, 0), height=heights, colors=(1, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
