import numpy as np

from fury import actor, window

scene = window.Scene()
volume = np.random.default_rng(0).random((30, 30, 30)).astype(np.float32)
scene.add(actor.volume_slicer(volume))
window.ShowManager(scene=scene, size=(600, 600)).start()
