import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.random.default_rng(0).uniform(-5, 5, (12, 3))
scene.add(actor.triangle(centers, colors=(1, 0.5, 0)))
window.ShowManager(scene=scene, size=(600, 600)).start()
