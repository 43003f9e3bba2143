import numpy as np

from fury import actor, window

scene = window.Scene()
points = np.random.default_rng(0).normal(size=(300, 3))
points *= 5 / np.linalg.norm(points, axis=1, keepdims=True)
scene.add(actor.point(points, colors=(1, 1, 1), size=6))
window.ShowManager(scene=scene, size=(600, 600)).start()
