import numpy as np

from fury import actor, window

scene = window.Scene()
for i in range(6):
    plank = actor.box(np.zeros((1, 3)), scales=(6, 0.5, 0.5), colors=(0.2, 0.5 + i / 12, 1))
    plank.rotate((0, 0, 30 * i))
    scene.add(plank)
window.ShowManager(scene=scene, size=(600, 600)).start()
