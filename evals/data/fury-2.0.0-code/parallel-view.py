import numpy as np

from fury import actor, window
from fury.lib import OrthographicCamera

scene = window.Scene()
for i in range(3):
    for j in range(3):
        scene.add(actor.box(np.array([[2.0 * i, 2.0 * j, 0]])))
show_manager = window.ShowManager(scene=scene, camera=OrthographicCamera())
show_manager.start()
