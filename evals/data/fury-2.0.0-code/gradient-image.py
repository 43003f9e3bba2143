import numpy as np

from fury import actor, window

scene = window.Scene()
gradient = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
scene.add(actor.image(gradient))
window.ShowManager(scene=scene, size=(600, 600)).start()
