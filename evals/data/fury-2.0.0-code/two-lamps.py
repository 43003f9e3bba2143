import numpy as np

from fury import actor, window
from fury.lib import DirectionalLight

left, right = DirectionalLight(color=(1, 0, 0)), DirectionalLight(color=(0, 0, 1))
left.local.position = (-5, 0, 2)
right.local.position = (5, 0, 2)
scene = window.Scene(lights=[left, right])
scene.add(actor.sphere(np.zeros((1, 3)), colors=(1, 1, 1), impostor=False))
window.ShowManager(scene=scene, size=(600, 600), camera_light=False).start()
