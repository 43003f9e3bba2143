import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.ring(np.zeros((1, 3)), inner_radius=0.5, outer_radius=1.5, colors=(0, 1, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
