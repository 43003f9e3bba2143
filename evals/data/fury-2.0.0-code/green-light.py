from fury import actor, window
from fury.lib import DirectionalLight
import numpy as np

scene = window.Scene(lights=[DirectionalLight(color=(0, 1, 0))])
scene.add(actor.box(np.array([[0, 0, 0], [2, 0, 0], [4, 0, 0]]), colors=(1, 1, 1)))
show_manager = window.ShowManager(scene=scene, camera_light=False)
show_manager.start()
