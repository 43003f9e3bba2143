import numpy as np

from fury import actor, window

scene = window.Scene()
labels = np.zeros((30, 30, 30), dtype=int)
labels[5:12, 5:25, 5:25] = 1
labels[18:25, 5:25, 5:25] = 2
scene.add(actor.contour_from_label(labels, colors=np.array([[1.0, 0, 0], [0, 1.0, 0]])))
window.ShowManager(scene=scene, size=(600, 600)).start()
