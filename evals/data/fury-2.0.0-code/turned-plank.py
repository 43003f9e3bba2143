import numpy as np

from fury import actor, window

scene = window.Scene()
plank = actor.box(np.zeros((1, 3)), scales=(4, 1, 1), colors=(0.6, 0.4, 0.2))
plank.rotate((0, 0, 45))
scene.add(plank)
window.ShowManager(scene=scene, size=(600, 600)).start()
