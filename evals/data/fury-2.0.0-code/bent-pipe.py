import numpy as np

from fury import actor, window

scene = window.Scene()
points = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [3, 3, 3]], dtype=np.float32)
scene.add(actor.streamtube([points], colors=(0, 1, 0), radius=0.3))
window.ShowManager(scene=scene, size=(600, 600)).start()
