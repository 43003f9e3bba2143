import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.cylinder(np.zeros((1, 3)), height=5, radii=1, directions=(1, 0, 0), colors=(0.2, 0.6, 1)))
window.ShowManager(scene=scene, size=(600, 600)).start()
