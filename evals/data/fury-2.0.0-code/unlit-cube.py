import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.box(np.zeros((1, 3)), colors=(1, 0, 1), material="basic"))
window.ShowManager(scene=scene, size=(600, 600)).start()
