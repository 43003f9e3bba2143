import numpy as np

from fury import actor, window

scene = window.Scene()
for i, opacity in enumerate(np.linspace(1, 0.1, 5)):
    scene.add(actor.box(np.array([[2.0 * i, 0, 0]]), colors=(0, 1, 1), opacity=float(opacity)))
window.ShowManager(scene=scene, size=(600, 600)).start()
