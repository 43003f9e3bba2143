import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.box(np.zeros((1, 3)), scales=(2, 6, 1), colors=(0.3, 0.3, 0.3)))
lamps = np.array([[0, 1.9, 0.6], [0, 0, 0.6], [0, -1.9, 0.6]])
scene.add(actor.sphere(lamps, colors=np.array([[1.0, 0, 0], [1, 1, 0], [0, 1, 0]]), radii=0.7))
window.ShowManager(scene=scene, size=(600, 600)).start()
