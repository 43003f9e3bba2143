import numpy as np

from fury import actor, window

scene = window.Scene()
volume = np.zeros((20, 20, 20, 3), dtype=np.float32)
volume[..., 0] = np.linspace(0, 1, 20)[:, None, None]
volume[..., 2] = 0.3
scene.add(actor.data_slicer(volume))
window.ShowManager(scene=scene, size=(600, 600)).start()
