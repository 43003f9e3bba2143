import numpy as np

from fury import actor, window

scene = window.Scene()
corners = np.array([[-2, -2, 0], [2, -2, 0], [2, 2, 0], [-2, 2, 0], [-2, -2, 0]], dtype=np.float32)
scene.add(actor.line([corners], colors=(1, 1, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
