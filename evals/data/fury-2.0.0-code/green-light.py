from fury import actor, window
from fury.lib import DirectionalLight
import numpy as np

light = DirectionalLight(color=(0, 1, 0))
light.local.position = (1, 2, 5)
scene = window.Scene(lights=[light])
for x in (0, 2, 4):
    scene.add(actor.box(np.array([[x, 0, 0]]), colors=(1, 1, 1)))
show_manager = window.ShowManager(scene=scene, camera_light=False)
show_manager.start()
