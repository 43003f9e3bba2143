import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.ellipsoid(np.zeros((1, 3)), lengths=(0.5, 3, 0.5), colors=(0.6, 0.4, 0.2)))
window.ShowManager(scene=scene, size=(600, 600)).start()
