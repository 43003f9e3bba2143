import numpy as np

from fury import actor, window

scene = window.Scene()
rng = np.random.default_rng(0)
scene.add(actor.billboard(rng.uniform(-5, 5, (50, 3)), colors=rng.random((50, 3)), sizes=(0.5, 0.3)))
window.ShowManager(scene=scene, size=(600, 600)).start()
