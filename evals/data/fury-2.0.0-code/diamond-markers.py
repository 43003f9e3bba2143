import numpy as np

from fury import actor, window

scene = window.Scene()
centers = np.random.default_rng(0).uniform(-5, 5, (10, 3))
scene.add(actor.marker(centers, marker="diamond", edge_color="white", size=20))
window.ShowManager(scene=scene, size=(600, 600)).start()
