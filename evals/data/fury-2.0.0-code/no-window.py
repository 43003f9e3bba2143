import numpy as np

from fury import actor, window

scene = window.Scene()
scene.add(actor.triangularprism(np.zeros((1, 3)), colors=(0, 1, 1)))
window.snapshot(scene=scene, fname="prism.png")
