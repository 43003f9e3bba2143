import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.axes(), actor.box(np.array([[2, 2, 2]]), scales=(0.5, 0.5, 0.5)))
window.ShowManager(scene=scene, size=(600, 600)).start()
