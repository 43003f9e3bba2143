import numpy as np

from fury import actor, window

scene = window.Scene()
for hour in range(1, 13):
    angle = np.pi / 2 - hour * np.pi / 6
    scene.add(actor.text(str(hour), position=(5 * np.cos(angle), 5 * np.sin(angle), 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
