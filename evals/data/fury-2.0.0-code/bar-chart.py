import numpy as np

from fury import actor, window

scene = window.Scene()
for i, value in enumerate([3, 7, 2, 5]):
    scene.add(actor.box(np.array([[2 * i, value / 2, 0]]), scales=(1, value, 1), colors=(0.2, 0.5, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
